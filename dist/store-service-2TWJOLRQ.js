import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
import{d as a,e as b,f as c,g as d}from"./chunk-F7WWGO2G.js";import"./chunk-3HOJV26E.js";import"./chunk-YODA77PJ.js";import"./chunk-BGR5OXW2.js";export{a as MAX_BLOB_BYTES,b as MAX_DIGESTS,d as parseEntry,c as storeService};
