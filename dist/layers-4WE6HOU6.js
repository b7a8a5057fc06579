import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
import{c as a}from"./chunk-5XUNWC66.js";import"./chunk-DESYIRFB.js";import"./chunk-3HOJV26E.js";import"./chunk-YODA77PJ.js";import"./chunk-SUANGA6Z.js";export{a as layered};
