import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
var s=/^(?:sha256:[0-9a-f]{64}|git-sha1:[0-9a-f]{40}|git-sha256:[0-9a-f]{64})$/;function i(t){return s.test(t)?t:void 0}function r(t,e){return`sha256:${t.sha256(e)}`}function n(t,e){return`git-sha1:${t.gitBlob(e)}`}function a(t){return t.slice(t.indexOf(":")+1)}export{i as a,r as b,n as c,a as d};
