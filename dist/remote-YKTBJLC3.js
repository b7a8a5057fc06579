import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
import{a,b,c,d}from"./chunk-3NZLDOX2.js";import"./chunk-XLU44PP3.js";import"./chunk-QTZY7VRE.js";import"./chunk-BGR5OXW2.js";export{a as TracerRefused,d as connectTracer,c as openRemoteTracer,b as startRemoteTracer};
