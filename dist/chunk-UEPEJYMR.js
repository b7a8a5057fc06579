import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
var e={listener:0,supervising:1,ended:2,taken:3,busy:4,frozen:5,rescued:6,idLow:7,idHigh:8},r=9,n={receive:3226476800,send:3222806785,setFlags:1074274564},o=1,t=1;export{e as a,r as b,n as c,o as d,t as e};
