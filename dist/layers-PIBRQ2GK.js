import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
import{a}from"./chunk-6YH5YFME.js";import"./chunk-RU4DTUQT.js";import"./chunk-6FJLXOAY.js";import"./chunk-YODA77PJ.js";import"./chunk-BGR5OXW2.js";export{a as layered};
