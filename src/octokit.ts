// `foregone/octokit`: the GitHub API cache inside a program. A `fetch` that reads through it, and an Octokit plugin that uses
// that fetch.
import { connectOwn } from "./cli/api/library.ts";
import { dispose } from "./github/collect.ts";
import { type ApiAnswer, type ApiRequest, type RequestHeaders, flat } from "./github/message.ts";

export interface FetchOptions {
  /**
   * Socket of a running proxy. By default $FOREGONE_SOCKET, else that of this user's agent; if none answers, this process reads
   * and writes the same store itself.
   */
  readonly socket?: string;
  /** Environment and folder that the configuration is read from; by default this process's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Reach an API host elsewhere than at https://HOST. */
  readonly origins?: Readonly<Record<string, string>>;
  /** For requests to other hosts. */
  readonly fetch?: typeof globalThis.fetch;
}

/** What answers requests to the API hosts. */
export interface Connection {
  readonly hosts: readonly string[];
  handle(request: ApiRequest): ApiAnswer | Promise<ApiAnswer>;
}

/** Redirects that fetch follows (Fetch standard, HTTP-redirect fetch). */
const MAX_REDIRECTS = 20;

/**
 * A `fetch` for Octokit's `request: { fetch }`. Requests to the API hosts go through the cache, all others to the real fetch.
 * Rejects with TypeError like fetch when there is no answer, and with the signal's reason when it fires.
 */
export function createFetch(options: FetchOptions = {}): typeof globalThis.fetch {
  let connection: Connection | undefined;
  let connecting: Promise<Connection> | undefined;
  const real = options.fetch ?? globalThis.fetch;
  return async (input, init) => {
    connection ??= await (connecting ??= connectOwn(options));
    // The common case without a Request: making one costs 30 µs, a third of what a hit may cost.
    const request = input instanceof Request ? new Request(input, init) : undefined;
    const url = new URL(request?.url ?? (input as string | URL));
    if (url.protocol !== "https:" || !connection.hosts.includes(url.host)) return real(input, init);
    const headers = headersOf(request?.headers ?? init?.headers);
    const method = (request?.method ?? init?.method ?? "GET").toUpperCase();
    const signal = request?.signal ?? init?.signal ?? undefined;
    const body = await bodyOf(request, init, headers);
    const redirect = request?.redirect ?? init?.redirect ?? "follow";
    return follow(connection, real, { url, method, headers, ...(body !== undefined && { body }) }, signal, redirect);
  };
}

interface Asked {
  readonly url: URL;
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: Uint8Array;
}

async function follow(
  connection: Connection,
  real: typeof globalThis.fetch,
  first: Asked,
  signal: AbortSignal | undefined,
  redirect: string,
): Promise<Response> {
  let asked = first;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const answer = await ask(connection, asked, signal);
    const location = redirect === "follow" ? redirectOf(answer) : undefined;
    if (location === undefined) return responseOf(answer, asked.url, hops > 0);
    dispose(answer.body);
    asked = redirected(asked, answer.status, new URL(location, asked.url));
    if (asked.url.protocol !== "https:" || !connection.hosts.includes(asked.url.host)) {
      const { method, headers, body } = asked;
      return real(asked.url, {
        method,
        headers,
        ...(body !== undefined && { body }),
        ...(signal !== undefined && { signal }),
      });
    }
  }
  throw new TypeError("fetch failed: too many redirects");
}

async function ask(
  connection: Connection,
  { url, method, headers, body }: Asked,
  signal: AbortSignal | undefined,
): Promise<ApiAnswer> {
  signal?.throwIfAborted();
  try {
    return await connection.handle({
      method,
      host: url.host,
      path: `${url.pathname}${url.search}`,
      headers,
      ...(body !== undefined && { body }),
      ...(signal !== undefined && { signal }),
    });
  } catch (error) {
    signal?.throwIfAborted();
    throw new TypeError("fetch failed", { cause: error });
  }
}

function redirectOf({ status, headers }: ApiAnswer): string | undefined {
  if (![301, 302, 303, 307, 308].includes(status)) return undefined;
  const location = headers["location"];
  return Array.isArray(location) ? location[0] : location;
}

/** Another origin does not get the credential; 303, and 301 or 302 after a POST, become a GET. */
function redirected(asked: Asked, status: number, url: URL): Asked {
  const headers = { ...asked.headers };
  if (url.origin !== asked.url.origin) for (const name of ["authorization", "cookie", "host"]) delete headers[name];
  const becomesGet = status === 303 ? asked.method !== "HEAD" : status < 303 && asked.method === "POST";
  if (!becomesGet) return { ...asked, url, headers };
  for (const name of ["content-type", "content-length"]) delete headers[name];
  return { url, headers, method: "GET" };
}

const NULL_BODY: ReadonlySet<number> = new Set([101, 103, 204, 205, 304]);

function responseOf(answer: ApiAnswer, url: URL, wasRedirected: boolean): Response {
  const body = NULL_BODY.has(answer.status) ? null : (answer.body ?? null);
  const response = new Response(body as ConstructorParameters<typeof Response>[0], {
    status: answer.status,
    headers: pairs(answer),
  });
  // Octokit reports the address that answered; a Response that one makes has none.
  Object.defineProperty(response, "url", { value: url.href });
  if (wasRedirected) Object.defineProperty(response, "redirected", { value: true });
  return response;
}

function pairs({ fields, headers }: ApiAnswer): [string, string][] {
  const list = fields ?? flat(headers);
  const made: [string, string][] = [];
  for (let i = 0; i < list.length; i += 2) made.push([list[i] ?? "", list[i + 1] ?? ""]);
  return made;
}

function headersOf(given: RequestInit["headers"]): Record<string, string> {
  if (given === undefined) return {};
  const headers: Record<string, string> = {};
  if (!(given instanceof Headers) && !Array.isArray(given)) {
    for (const [name, value] of Object.entries(given)) headers[name.toLowerCase()] = String(value);
    return headers;
  }
  for (const [name, value] of new Headers(given)) headers[name] = value;
  return headers;
}

async function bodyOf(
  request: Request | undefined,
  init: RequestInit | undefined,
  headers: RequestHeaders,
): Promise<Uint8Array | undefined> {
  const given = request === undefined ? init?.body : request.body;
  if (given === undefined || given === null) return undefined;
  if (typeof given === "string") return Buffer.from(given);
  if (given instanceof Uint8Array) return given;
  const made =
    request ?? new Request("https://body.invalid", { method: "POST", body: given, duplex: "half" } as RequestInit);
  const type = made.headers.get("content-type");
  if (type !== null && headers["content-type"] === undefined) Object.assign(headers, { "content-type": type });
  return Buffer.from(await made.arrayBuffer());
}

/** The part of an Octokit that the plugin touches. */
export interface OctokitLike {
  readonly hook: { before(name: "request", run: (options: { request?: { fetch?: unknown } }) => void): void };
}

/** `Octokit.plugin(foregone)`, or `Octokit.plugin(foregoneWith({ socket }))`. A `request.fetch` that is set already wins. */
export function foregoneWith(options: FetchOptions = {}): (octokit: OctokitLike) => Record<string, never> {
  const fetch = createFetch(options);
  return (octokit) => {
    octokit.hook.before("request", (request) => {
      request.request = { fetch, ...request.request };
    });
    return {};
  };
}

export function foregone(octokit: OctokitLike): Record<string, never> {
  return foregoneWith()(octokit);
}
