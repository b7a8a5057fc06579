import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
import{a,b,c,d,e}from"./chunk-BXEJRWHK.js";import"./chunk-2MSRL5PB.js";import"./chunk-AOP4TG7R.js";import"./chunk-CYIWDYBF.js";import"./chunk-LBY2DV5T.js";import"./chunk-BJNVVOTH.js";export{e as answeredValue,a as askHealth,d as askPut,c as askResolve,b as jobToken};
