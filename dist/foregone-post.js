import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
import{b as t}from"./chunk-TTMZ3BYO.js";import"./chunk-PFG7WCZ2.js";import"./chunk-TSY47A76.js";import"./chunk-OC55JNVM.js";import"./chunk-BGR5OXW2.js";async function s(o){o.state("mode")}var{stdout:r}=process;await s(t(process.env,o=>{r.write(o)}));
