import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
import{a}from"./chunk-FBO22VUS.js";import"./chunk-SUANGA6Z.js";export{a as loadLibc};
