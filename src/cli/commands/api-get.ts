// `foregone api get`: one read, through the running proxy or an engine of its own on the same store.
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mkdtempSync, rmSync } from "node:fs";
import { ForegoneError } from "../../core/errors.ts";
import { askSocket, type SocketAnswer } from "../api/client.ts";
import { ApiCounting } from "../api/counting.ts";
import { openApiProxy } from "../api/open.ts";
import { type ApiSettings, apiSettings } from "../api/settings.ts";
import type { CliContext, Parsed } from "../command.ts";
import { Progress } from "../progress.ts";

/** GitHub gives up after 10 s; pacing may add 30. */
const READ_TIMEOUT_MS = 60_000;
const MAX_PAGES = 10_000;

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const [path, ...more] = parsed.operands;
  if (path === undefined || more.length > 0)
    throw new ForegoneError("E_USAGE", "want one PATH", { hint: "foregone api get /repos/cli/cli" });
  const settings = await apiSettings(context, parsed);
  const [host = "api.github.com"] = settings.config["api.hosts"];
  const headers = requestHeaders(context, parsed, host);
  const root = host.includes("/") ? host.slice(host.indexOf("/")) : "";
  const first = `${root}/${path.replace(/^https:\/\/[^/]+/, "").replace(/^\/+/, "")}`;
  return withSocket(context, settings, async (socket) => {
    const bodies: Buffer[] = [];
    const progress = new Progress(context.stderr, "pages");
    let next: string | undefined = first;
    for (let page = 0; next !== undefined && page < MAX_PAGES; page++) {
      const answer = await askSocket(socket, { method: "GET", path: next, headers, timeoutMs: READ_TIMEOUT_MS });
      if (answer === undefined) throw new ForegoneError("E_NOT_FOUND", `no API proxy answers on ${socket}`);
      if (parsed.flags.has("include")) printHead(context, answer);
      bodies.push(answer.body);
      const last = lastPage(answer);
      if (parsed.flags.has("paginate") && last !== undefined) progress.show(bodies.length, last);
      if (answer.status >= 400) {
        context.stdout.write(answer.body);
        throw new ForegoneError("E_NOT_FOUND", `${next} answered ${answer.status}`);
      }
      next = parsed.flags.has("paginate") ? nextPath(answer) : undefined;
    }
    progress.end();
    context.stdout.write(bodies.length === 1 ? (bodies[0] ?? "") : joined(bodies));
    if (context.stdout.isTTY === true) context.stdout.write("\n");
    return 0;
  });
}

async function withSocket(
  context: CliContext,
  settings: ApiSettings,
  use: (socket: string) => Promise<number>,
): Promise<number> {
  const running =
    settings.config["agent.enabled"] &&
    (await askSocket(settings.socket, { method: "GET", path: "/_foregone/health" }).catch(() => undefined));
  if (running) return use(settings.socket);
  const folder = mkdtempSync(join(tmpdir(), "foregone-api-"));
  const socket = join(folder, "api.sock");
  const { config, store, origins } = settings;
  const api = await openApiProxy({ config, env: context.env, storeFolder: store, doors: { socket }, origins });
  try {
    return await use(socket);
  } finally {
    await new ApiCounting(context, settings.resolved, () => api.status().stats).flush();
    await api.close(0);
    rmSync(folder, { recursive: true, force: true });
  }
}

function requestHeaders(context: CliContext, parsed: Parsed, host: string): Record<string, string> {
  const token = context.env["GH_TOKEN"] || context.env["GITHUB_TOKEN"];
  const headers: Record<string, string> = {
    host: host.split("/")[0] ?? host,
    "user-agent": "foregone",
    ...(context.stdout.isTTY === true && { "x-foregone-interactive": "1" }),
    ...(token && { authorization: `token ${token}` }),
  };
  for (const line of parsed.lists.get("header") ?? []) {
    const colon = line.indexOf(":");
    if (colon < 1) throw new ForegoneError("E_USAGE", `--header wants NAME:VALUE, not "${line}"`);
    headers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
  }
  return headers;
}

function printHead(context: CliContext, { status, headers }: SocketAnswer): void {
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map((line) => `${name}: ${line ?? ""}`),
  );
  context.stdout.write(`HTTP ${status}\n${lines.join("\n")}\n\n`);
}

function nextPath({ headers }: SocketAnswer): string | undefined {
  const link = headers["link"];
  const next = /<https?:\/\/[^/>]+([^>]*)>;\s*rel="?next"?/.exec(
    Array.isArray(link) ? link.join(",") : (link ?? ""),
  )?.[1];
  return next === "" ? undefined : next;
}

/** The number of the last page, if the answer names it. */
function lastPage({ headers }: SocketAnswer): number | undefined {
  const link = headers["link"];
  const page = /[?&]page=(\d+)[^>]*>;\s*rel="?last"?/.exec(Array.isArray(link) ? link.join(",") : (link ?? ""))?.[1];
  return page === undefined ? undefined : Number(page);
}

/** Pages as one list; pages that are objects stay one document a line. */
function joined(bodies: readonly Buffer[]): string {
  const pages = bodies.map((body) => body.toString().trim());
  if (!pages.every((page) => page.startsWith("[") && page.endsWith("]"))) return `${pages.join("\n")}\n`;
  return `[${pages
    .map((page) => page.slice(1, -1))
    .filter((page) => page.trim() !== "")
    .join(",")}]`;
}
