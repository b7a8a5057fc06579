import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
import{a,b}from"./chunk-6RMIJFOI.js";import"./chunk-PFG7WCZ2.js";import"./chunk-BJNVVOTH.js";export{b as Redactor,a as secretsAutomaton};
