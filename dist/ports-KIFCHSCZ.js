import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
import{b as a,c as b,d as c,e as d,f as e,g as f,h as g}from"./chunk-NCXEPYTY.js";import"./chunk-BGR5OXW2.js";export{e as nodeFileWriter,d as nodeFiles,c as nodeHasher,f as nodeRunner,a as systemClock,b as systemRandom,g as typeOf};
