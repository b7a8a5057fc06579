// One HTTP exchange with a client of a door: from Node's request to the engine's, and its answer back. A client that goes away
// takes its call along; an upstream that is cut off cuts the client off too, as without us.
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Readable, pipeline } from "node:stream";
import type { Engine } from "../engine.ts";
import { type ApiRequest, type RequestHeaders, UpstreamError } from "../message.ts";
import { plainUserAgent } from "../pretty.ts";
import type { Presented, Presenter, Rewriting } from "./present.ts";

export interface Target {
  readonly host: string;
  readonly rewriting?: Rewriting;
  readonly interactive: boolean;
}

export interface Serving {
  readonly engine: Pick<Engine, "handle">;
  readonly presenter: Presenter;
  /** A bug of ours; the client gets a 500. */
  readonly onBug: (error: unknown) => void;
}

export function serve(serving: Serving, request: IncomingMessage, response: ServerResponse, target: Target): void {
  const client = request.headers as RequestHeaders;
  try {
    const answer = serving.engine.handle(apiRequest(request, response, client, target));
    if (answer instanceof Promise)
      answer.then(
        (settled) => send(response, serving.presenter.present(settled, client, target.rewriting)),
        (error: unknown) => fail(serving, response, target.host, error),
      );
    else send(response, serving.presenter.present(answer, client, target.rewriting));
  } catch (error) {
    fail(serving, response, target.host, error);
  }
}

function apiRequest(
  request: IncomingMessage,
  response: ServerResponse,
  client: RequestHeaders,
  { host, rewriting, interactive }: Target,
): ApiRequest {
  const { method = "GET", url: path = "/" } = request;
  const hasBody = client["content-length"] !== undefined || client["transfer-encoding"] !== undefined;
  let abort: AbortController | undefined;
  return {
    method,
    host,
    path,
    headers: rewriting === undefined ? client : forRewriting(client),
    interactive: interactive || client["x-foregone-interactive"] !== undefined,
    ...(hasBody && client["content-length"] !== "0" && { body: request }),
    // Made only when somebody waits for GitHub: an answer on lease needs none.
    get signal() {
      if (abort === undefined) {
        const controller = (abort = new AbortController());
        if (response.destroyed) controller.abort();
        response.once("close", () => {
          if (!response.writableFinished) controller.abort();
        });
      }
      return abort.signal;
    },
  };
}

/** The client's tag is one of ours, which GitHub does not know; and what is to be rewritten must come uncompressed, unindented. */
function forRewriting(client: RequestHeaders): RequestHeaders {
  const { "if-none-match": _tag, "accept-encoding": _coding, ...headers } = client;
  const agent = headers["user-agent"];
  return agent === undefined ? headers : { ...headers, "user-agent": plainUserAgent(agent) };
}

export function send(response: ServerResponse, { status, fields, body }: Presented): void {
  if (body === undefined || body instanceof Uint8Array) {
    const sized = status !== 304 && status !== 204 && body !== undefined;
    if (sized) fields.push("content-length", String(body.length));
    response.writeHead(status, fields);
    response.end(body);
    return;
  }
  response.writeHead(status, fields);
  pipe(body, response);
}

function pipe(body: Readable, response: ServerResponse): void {
  pipeline(body, response, (error) => {
    // Half an answer must not look like a whole one.
    if (error) response.destroy();
  });
}

function fail(serving: Serving, response: ServerResponse, host: string, error: unknown): void {
  if (!(error instanceof UpstreamError)) {
    serving.onBug(error);
    sayNo(response, 500, "foregone: a bug in the API cache; this request was not answered", "bug");
    return;
  }
  switch (error.failure) {
    case "aborted":
    case "cut":
      response.destroy();
      return;
    case "timeout":
      sayNo(response, 504, `foregone: ${host} did not answer in time`, "upstream-timeout");
      return;
    case "refused":
    case "protocol":
      sayNo(response, 502, `foregone: no answer from ${host}: ${error.message}`, `upstream-${error.failure}`);
      return;
    default:
      error.failure satisfies never;
  }
}

/** Our own refusal, in the form of GitHub's. */
export function sayNo(response: ServerResponse, status: number, message: string, detail: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const body = JSON.stringify({ message });
  response.writeHead(status, {
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    "cache-status": `Foregone; detail=${detail}`,
    connection: "close",
  });
  response.end(body);
}
