// Loaded into Node programs by `foregone api exec --via preload` (NODE_OPTIONS=--require). Sends what fetch and undici would send
// to the API hosts to the proxy on loopback instead, by wrapping undici's global dispatcher: clients that bring their own
// undici share it. Costs nothing until the first request; whatever goes wrong leaves the program as it was.
"use strict";

const wrapped = new WeakSet();
const NAME = Symbol.for("undici.globalDispatcher.1");

try {
  const proxy = process.env.FOREGONE_PRELOAD_URL;
  const hosts = (process.env.FOREGONE_PRELOAD_HOSTS ?? "").split(",").filter((host) => host !== "");
  if (proxy !== undefined && hosts.length > 0 && globalThis[NAME] === undefined) watch(proxy, new Set(hosts));
} catch {
  // Not our program: it runs as it would without us.
}

/** Waits for the first undici to set the dispatcher: it asks first whether one is there. */
function watch(proxy, hosts) {
  Object.defineProperty(globalThis, NAME, {
    configurable: true,
    enumerable: false,
    get() {
      queueMicrotask(() => wrap(proxy, hosts));
      return undefined;
    },
  });
  watchFetch(proxy, hosts);
}

/** Node's own fetch takes the dispatcher in the tick in which it loads undici: so undici is loaded a moment before. */
function watchFetch(proxy, hosts) {
  const fetch = globalThis.fetch;
  const slot = Object.getOwnPropertyDescriptor(globalThis, "fetch");
  if (typeof fetch !== "function" || slot?.configurable !== true) return;
  const first = (...args) => {
    if (globalThis.fetch === first) Object.defineProperty(globalThis, "fetch", slot);
    fetch("data:,").catch(() => undefined);
    wrap(proxy, hosts);
    return fetch(...args);
  };
  const { configurable, enumerable } = slot;
  Object.defineProperty(globalThis, "fetch", { configurable, enumerable, value: first, writable: true });
}

function wrap(proxy, hosts) {
  const slot = Object.getOwnPropertyDescriptor(globalThis, NAME);
  const inner = slot?.value;
  if (wrapped.has(inner)) return;
  if (typeof inner?.dispatch !== "function" || slot.writable !== true) return;
  const through = new Proxy(inner, {
    get(target, name) {
      if (name === "dispatch") return (options, handler) => target.dispatch(redirected(options, proxy, hosts), handler);
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  wrapped.add(through);
  globalThis[NAME] = through;
}

function redirected(options, proxy, hosts) {
  const origin = String(options.origin ?? "");
  const host = origin.startsWith("https://") ? origin.slice(8).toLowerCase() : "";
  if (!hosts.has(host)) return options;
  const headers = withHost(options.headers, host);
  return headers === undefined ? options : { ...options, origin: proxy, headers };
}

/** The proxy tells by Host that addresses must stay as they are. */
function withHost(headers, host) {
  if (headers === undefined || headers === null) return { host };
  if (Array.isArray(headers)) return [...headers, "host", host];
  if (typeof headers[Symbol.iterator] === "function") return [...headers].flat().concat("host", host);
  return typeof headers === "object" ? { ...headers, host } : undefined;
}
