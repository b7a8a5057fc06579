import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
var o="0.1.0";export{o as a};
