import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
import{a,b}from"./chunk-6RMIJFOI.js";import"./chunk-PFG7WCZ2.js";import"./chunk-BGR5OXW2.js";export{b as Redactor,a as secretsAutomaton};
