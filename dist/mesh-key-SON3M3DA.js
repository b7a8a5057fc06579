import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
import{a,b,c,d}from"./chunk-UVDOJSUC.js";import"./chunk-XSXSKKFC.js";import"./chunk-BGR5OXW2.js";export{a as MIN_PBKDF2_ITERATIONS,c as meshKey,b as meshKeys,d as stretched};
