import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
var e=class extends Error{layer;code;hint;constructor(r,t,o,i){super(o),this.name="StoreError",this.layer=r,this.code=t,this.hint=i}};export{e as a};
