import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
var t=20000000n,e=class{code;constructor(r){this.code=r}};export{t as a,e as b};
