import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
import{b as t}from"./chunk-LBY2DV5T.js";import{readFileSync as o}from"node:fs";function s(r){if(/^[0-9]+$/.test(r))return Number(r);let n=o("/etc/group","utf8").split(`
`).find(i=>i.startsWith(`${r}:`)),e=Number(n?.split(":")[2]??Number.NaN);if(!Number.isInteger(e))throw new t("E_CONFIG",`secrets.broker.group: no group "${r}" in /etc/group`,{hint:"name it by number: getent group NAME"});return e}export{s as a};
