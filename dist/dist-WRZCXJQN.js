import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
import{a}from"./chunk-BZYWBNKX.js";import"./chunk-BGR5OXW2.js";export default a();
