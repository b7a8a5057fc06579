import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
import{b as a}from"./chunk-6FA6QLY2.js";import"./chunk-DESYIRFB.js";import"./chunk-3HOJV26E.js";import"./chunk-YODA77PJ.js";import"./chunk-5WYZIEPG.js";export{a as layered};
