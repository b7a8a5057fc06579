import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
var r="/run/foregone-tracer/tracer.sock";export{r as a};
