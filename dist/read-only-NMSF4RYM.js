import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
import{a}from"./chunk-ZHWIBEHF.js";import"./chunk-USWVPKPM.js";import"./chunk-BGR5OXW2.js";export{a as readOnly};
