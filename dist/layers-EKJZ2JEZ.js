import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
import{a}from"./chunk-ORTSQAGP.js";import"./chunk-RU4DTUQT.js";import"./chunk-DESYIRFB.js";import"./chunk-3HOJV26E.js";import"./chunk-YODA77PJ.js";import"./chunk-BGR5OXW2.js";export{a as layered};
