import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
import{a,b,c,d,e}from"./chunk-S4O5RUMD.js";import"./chunk-P6GY4AYT.js";import"./chunk-OGSNXJBZ.js";import"./chunk-CYIWDYBF.js";import"./chunk-LBY2DV5T.js";import"./chunk-BJNVVOTH.js";export{e as answeredValue,a as askHealth,d as askPut,c as askResolve,b as jobToken};
