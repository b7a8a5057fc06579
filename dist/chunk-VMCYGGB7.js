import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
import{a as d,b as g,c as p,d as c,f as u}from"./chunk-PFG7WCZ2.js";import{b as m}from"./chunk-WIKRIMNE.js";import{appendFileSync as l}from"node:fs";function f(r,e,i){for(;;){let n=`ghadelimiter_${Buffer.from(r.bytes(16)).toString("hex")}`;if(!(e.includes(n)||i.includes(n)))return`${e}<<${n}
${i}
${n}
`}}function $(r){let{whole:e,leaves:i,lines:n}=d(r),t=[...[e,...i].flatMap(o=>v(o)?[]:p(o).slice(1)),...[e,...i].flatMap(c)];return u([...[e,...i].filter(v),...n,...t.filter(o=>!/[\r\n]/.test(o))]).map(a)}function a(r){return r.replaceAll("%","%25").replaceAll("\r","%0D").replaceAll(`
`,"%0A")}function v(r){return g(r).every(e=>e.length>=4)}function R(r,e){let i=(n,t,o)=>{let s=r[n];s===void 0||s===""||l(s,f(m,t,o))};return{env:r,input:n=>(r[`INPUT_${n.replaceAll(" ","_").toUpperCase()}`]??"").trim(),output:(n,t)=>i("GITHUB_OUTPUT",n,t),variable:(n,t)=>i("GITHUB_ENV",n,t),path(n){let t=r.GITHUB_PATH;t!==void 0&&t!==""&&l(t,`${n}
`)},mask:n=>e(`::add-mask::${n}
`),saveState:(n,t)=>i("GITHUB_STATE",n,t),state:n=>r[`STATE_${n}`]??"",log:n=>e(`${n.replace(/^(?=::|##\[)/," ")}
`),annotate:(n,t)=>e(`::${n} title=Foregone::${a(t)}
`),summary(n){let t=r.GITHUB_STEP_SUMMARY;if(!(t===void 0||t===""))try{l(t,`${n}
`)}catch{}}}}export{$ as a,R as b};
