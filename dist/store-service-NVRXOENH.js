import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
import{a,b,c,d}from"./chunk-Q7JVGSVC.js";import"./chunk-3HOJV26E.js";import"./chunk-YODA77PJ.js";import"./chunk-SUANGA6Z.js";export{a as MAX_BLOB_BYTES,b as MAX_DIGESTS,d as parseEntry,c as storeService};
