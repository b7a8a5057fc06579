import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
import{b as p}from"./chunk-USWVPKPM.js";function i(r,n){let{blobs:t,records:e}=r;return{name:r.name,blobs:{get:o=>t.get(o),put:async o=>p(n,o),findMissing:o=>t.findMissing(o)},records:{lookup:o=>e.lookup(o),append:async(o,s)=>{s.disowned===!0&&await e.append(o,s)}}}}export{i as a};
