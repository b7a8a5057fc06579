import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
import{a}from"./chunk-557J7JGG.js";import"./chunk-YODA77PJ.js";import"./chunk-SUANGA6Z.js";export{a as readOnly};
