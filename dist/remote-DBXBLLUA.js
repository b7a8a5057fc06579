import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
import{b as a,c as b,d as c,e as d}from"./chunk-LADAORHN.js";import"./chunk-QTZY7VRE.js";import"./chunk-SUANGA6Z.js";export{a as TracerRefused,d as connectTracer,c as openRemoteTracer,b as startRemoteTracer};
