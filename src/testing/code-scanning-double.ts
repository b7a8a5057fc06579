// A code-scanning service on loopback: the documented endpoints, their limits, and faults one can order. Bodies follow
// docs.github.com/rest/code-scanning; texts of failures those that github/codeql-action 4.36.3 knows.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { onTestFinished } from "vitest";

export interface Analysis {
  readonly id: number;
  readonly ref: string;
  readonly commit_sha: string;
  readonly analysis_key: string;
  readonly category: string;
  readonly results_count: number;
  readonly sarif_id: string;
  readonly created_at: string;
  readonly tool: { readonly name: string };
}

/** What the next request that fits does instead of its work; "reset" breaks the connection, "accept-reset" after taking it. */
export interface Fault {
  readonly on: string;
  readonly answer:
    | { readonly status: number; readonly body?: unknown; readonly headers?: Record<string, string> }
    | "reset"
    | "accept-reset"
    | "hang"
    | "cut";
}

export interface Upload {
  readonly commit_sha: string;
  readonly ref: string;
  readonly checkout_uri: string;
  readonly log: {
    readonly runs: readonly {
      readonly results: readonly unknown[];
      readonly automationDetails?: { readonly id?: string };
    }[];
  };
}

export class CodeScanningDouble {
  readonly uploads: Upload[] = [];
  readonly analyses: Analysis[] = [];
  readonly requests: string[] = [];
  faults: Fault[] = [];
  /** Answers of the status endpoint, in order; the last one stays. */
  states: { processing_status: string; errors?: string[] }[] = [{ processing_status: "complete" }];
  url = "";

  async start(): Promise<this> {
    const server = createServer((request, response) => void this.#serve(request, response));
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return this;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const url = new URL(request.url ?? "/", this.url);
    const name = `${request.method} ${url.pathname.replace(/^\/repos\/[^/]+\/[^/]+\/code-scanning\//, "").replace(/\/.*/, "/ID")}`;
    this.requests.push(name);
    const fault = this.faults.find(({ on }) => on === name)?.answer;
    if (fault !== undefined)
      this.faults.splice(
        this.faults.findIndex(({ on }) => on === name),
        1,
      );
    if (fault === "reset") return void request.socket.destroy();
    if (fault === "hang") return;
    if (fault === "cut") {
      response.writeHead(200, { "content-type": "application/json", "content-length": "100" });
      response.write("{");
      return void setImmediate(() => request.socket.destroy());
    }
    const send = (status: number, body: unknown, headers: Record<string, string> = {}): void => {
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(body === undefined ? "" : JSON.stringify(body));
    };
    if (typeof fault === "object")
      return send(fault.status, fault.body ?? { message: `fault ${fault.status}` }, fault.headers);
    if (request.headers.authorization !== "Bearer good")
      return send(403, { message: "Resource not accessible by integration" });
    if (name === "POST sarifs") {
      const answer = this.#take(Buffer.concat(chunks));
      return fault === "accept-reset" ? void request.socket.destroy() : send(...answer);
    }
    if (name === "GET sarifs/ID") return send(200, this.states.length > 1 ? this.states.shift() : this.states[0]);
    if (name === "GET analyses") return this.#list(url, send);
    send(404, { message: "Not Found" });
  }

  #take(bytes: Buffer): [number, unknown] {
    const body = JSON.parse(bytes.toString()) as {
      commit_sha: string;
      ref: string;
      checkout_uri: string;
      sarif: string;
    };
    const zipped = Buffer.from(body.sarif, "base64");
    if (zipped.length > 10 * 1024 * 1024) return [413, { message: "The sarif field is too large" }];
    const log = JSON.parse(gunzipSync(zipped).toString()) as Upload["log"];
    if (log.runs.length === 0) return [422, { message: "Invalid SARIF: 1 item required; only 0 were supplied." }];
    if (body.ref.includes("gh-readonly-queue"))
      return [422, { message: `ref '${body.ref}' not found in this repository` }];
    const id = `sarif-${this.uploads.length + 1}`;
    this.uploads.push({ ...body, log });
    for (const run of log.runs)
      this.analyses.unshift({
        id: this.analyses.length + 1,
        ref: body.ref,
        commit_sha: body.commit_sha,
        analysis_key: "(default)",
        category: (run.automationDetails?.id ?? "").replace(/\/[^/]*$/, ""),
        results_count: run.results.length,
        sarif_id: id,
        created_at: new Date(8.64e14).toISOString(),
        tool: { name: (run as unknown as { tool: { driver: { name: string } } }).tool.driver.name },
      });
    return [202, { id, url: `${this.url}/sarifs/${id}` }];
  }

  #list(url: URL, send: (status: number, body: unknown) => void): void {
    const wanted = url.searchParams;
    const fits = this.analyses.filter(
      (analysis) =>
        (!wanted.has("sarif_id") || wanted.get("sarif_id") === analysis.sarif_id) &&
        (!wanted.has("ref") || wanted.get("ref") === analysis.ref) &&
        (!wanted.has("tool_name") || wanted.get("tool_name") === analysis.tool.name),
    );
    if (fits.length === 0) send(404, { message: "no analysis found" });
    else send(200, fits);
  }
}
