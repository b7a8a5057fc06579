import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
import{b as a}from"./chunk-LIGJCSKS.js";import"./chunk-RU4DTUQT.js";import"./chunk-C5XUM6Q6.js";import"./chunk-3HOJV26E.js";import"./chunk-USWVPKPM.js";import"./chunk-BGR5OXW2.js";export{a as layered};
