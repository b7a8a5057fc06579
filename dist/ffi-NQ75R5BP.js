import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
import{a}from"./chunk-7KTCZTCN.js";import"./chunk-BGR5OXW2.js";export{a as loadLibc};
