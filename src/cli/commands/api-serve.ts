// `foregone api serve`: the proxy in the foreground.
import { ForegoneError } from "../../core/errors.ts";
import type { ApiEvent } from "../../github/effects.ts";
import { growSlowly } from "../../node/heap.ts";
import { ApiCounting } from "../api/counting.ts";
import { openApiProxy } from "../api/open.ts";
import { apiSettings } from "../api/settings.ts";
import { closingLine } from "../api/words.ts";
import type { CliContext, Parsed } from "../command.ts";
import { Voice } from "../voice.ts";

/** What kill -9 can cost of the counts. */
const FLUSH_MS = 5000;

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  growSlowly();
  const settings = await apiSettings(context, parsed);
  const voice = new Voice(context, false);
  const api = await openApiProxy({
    config: settings.config,
    env: context.env,
    storeFolder: settings.store,
    doors: {
      socket: settings.socket,
      baseUrlPort: portOf(parsed.values.get("port") ?? "0"),
      ...(parsed.flags.has("proxy") && { proxyPort: 0 }),
    },
    origins: settings.origins,
    onNote: (line) => voice.say(`note: ${line}`),
    onEvent: (event) => {
      const line = eventLine(event);
      if (line !== undefined) voice.say(line);
    },
    onBug: (error) =>
      voice.say(`error E_INTERNAL: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
  });
  const { socket, apiUrl, proxy } = api;
  if (parsed.flags.has("json"))
    context.stdout.write(
      `${JSON.stringify({ socket, apiUrl, ...(proxy && { proxyUrl: proxy.url, certificate: proxy.certificate }) })}\n`,
    );
  else {
    context.stdout.write(`socket    ${socket}\nbase-url  ${apiUrl}\n`);
    if (proxy !== undefined) context.stdout.write(`proxy     ${proxy.url}\n${proxy.certificate}`);
  }
  const counting = new ApiCounting(context, settings.resolved, () => api.status().stats);
  const timer = setInterval(() => void counting.flush(), FLUSH_MS).unref();
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
  clearInterval(timer);
  await counting.flush();
  const line = closingLine(api.status());
  await api.close();
  voice.say(line);
  return 0;
}

export function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new ForegoneError("E_USAGE", `--port wants a number up to 65535, not "${text}"`);
  return port;
}

function eventLine(event: ApiEvent): string | undefined {
  switch (event.kind) {
    case "rule":
      return event.verdict === "refuted"
        ? `note: ${event.host} no longer makes ETags as we compute them (${event.media}); reads by new tokens are paid for until it does`
        : undefined;
    case "quota-low":
      return `note: ${event.remaining} calls left (${event.resource}) until ${new Date(event.resetS * 1000).toISOString()}`;
    case "store-failed":
      return `note: the store failed (${event.code}); answers are kept in memory`;
    case "refused":
      return `note: GitHub refuses for now (${event.status}, ${event.resource})`;
    case "tag-lie":
      return `note: ${event.host} answered 304 with another tag (${event.path}); asked again without one`;
    default:
      return event satisfies never;
  }
}
