import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
import{b as t}from"./chunk-UCKWHPLI.js";import"./chunk-4JZBUTHG.js";import"./chunk-OC55JNVM.js";import"./chunk-PFG7WCZ2.js";import"./chunk-BJNVVOTH.js";async function s(o){o.state("mode")}var{stdout:r}=process;await s(t(process.env,o=>{r.write(o)}));
