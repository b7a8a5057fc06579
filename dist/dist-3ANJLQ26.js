import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
import{a}from"./chunk-YHJUXR32.js";import"./chunk-DZVLEVSW.js";export default a();
