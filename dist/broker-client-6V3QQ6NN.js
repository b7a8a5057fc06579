import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
import{a,b,c,d,e}from"./chunk-GD4M77GG.js";import"./chunk-FLFHSVZG.js";import"./chunk-7MRUQ5UZ.js";import"./chunk-OE6BAB3V.js";import"./chunk-CYIWDYBF.js";import"./chunk-LBY2DV5T.js";import"./chunk-BGR5OXW2.js";export{e as answeredValue,a as askHealth,d as askPut,c as askResolve,b as jobToken};
