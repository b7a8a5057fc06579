import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
function n(t,o,e,i){t.stdout.write(o.flags.has("json")?`${JSON.stringify(e,void 0,2)}
`:i)}export{n as a};
