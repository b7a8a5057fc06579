import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
function r(o){let{code:e,name:n}=o??{};return typeof e=="string"?e:typeof n=="string"?n:"unknown"}export{r as a};
