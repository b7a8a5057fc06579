import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
import{a,b,c,d,e,f,g}from"./chunk-WIKRIMNE.js";import"./chunk-7QSMLQCL.js";import"./chunk-BGR5OXW2.js";export{e as nodeFileWriter,d as nodeFiles,c as nodeHasher,f as nodeRunner,a as systemClock,b as systemRandom,g as typeOf};
