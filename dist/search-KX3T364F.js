import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
import"./chunk-SUANGA6Z.js";var o=class{#t;#o;found=!1;constructor(t){this.#t=t,this.#o=t.start}write(t){this.found||(this.found=this.#t.scan(this.#o,t,0)<t.length,this.#o=this.#t.last)}};export{o as AutomatonSearch};
