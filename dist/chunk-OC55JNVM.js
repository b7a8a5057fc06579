import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
var e=class{code;constructor(r){this.code=r}};export{e as a};
