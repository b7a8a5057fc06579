// Talking to the server: the token from the URL's fragment, JSON, and one live stream. No cookie, no other host.
import type { Summary, ToldDecision } from "../api.ts";

const TOKEN = "foregone-token";

/** Takes `#token=...` out of the address, so that it is in no bookmark and no screenshot. */
export function takeToken(): void {
  const found = /[#&]token=([\w-]{20,100})/.exec(location.hash);
  if (found === null) return;
  sessionStorage.setItem(TOKEN, found[1] ?? "");
  history.replaceState(null, "", `${location.pathname}#/`);
}

export class Refused extends Error {}

async function ask(path: string, signal: AbortSignal): Promise<Response> {
  const token = sessionStorage.getItem(TOKEN) ?? "";
  const response = await fetch(path, { headers: { authorization: `Bearer ${token}` }, signal });
  if (response.status === 401 || response.status === 403) throw new Refused("this page has no valid token");
  return response;
}

/** @returns undefined for 404: what was asked for is gone */
export async function getJson<T>(path: string, signal: AbortSignal): Promise<T | undefined> {
  const response = await ask(path, signal);
  if (response.status === 404) return undefined;
  if (!response.ok) throw new Error(`the server answers ${response.status}`);
  return (await response.json()) as T;
}

export interface Tick {
  readonly summary: Summary;
  readonly decisions: readonly ToldDecision[];
}

export type Connection = "live" | "lost" | "refused";

/** EventSource cannot send a header, and a token in a URL ends up in logs: the stream is read by fetch. */
export async function follow(
  signal: AbortSignal,
  onTick: (tick: Tick) => void,
  onState: (state: Connection) => void,
): Promise<void> {
  for (let pause = 500; !signal.aborted; pause = Math.min(10_000, pause * 2)) {
    try {
      const response = await ask("api/live", signal);
      if (!response.ok || response.body === null) throw new Error(`the server answers ${response.status}`);
      onState("live");
      pause = 500;
      let rest = "";
      for (const reader = response.body.pipeThrough(new TextDecoderStream()).getReader(); ;) {
        const { done, value } = await reader.read();
        if (done) break;
        const parts = (rest + value).split("\n\n");
        rest = parts.pop() ?? "";
        for (const part of parts) if (part.startsWith("data: ")) onTick(JSON.parse(part.slice(6)) as Tick);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refused) return onState("refused");
    }
    if (signal.aborted) return;
    onState("lost");
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
