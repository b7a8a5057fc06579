import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
import{a}from"./chunk-HGRS3VSF.js";import"./chunk-BJNVVOTH.js";export default a();
