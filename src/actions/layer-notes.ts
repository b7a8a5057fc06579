// What a person should know of the layers: one line each at most, and how to mend it. A dead layer is no failure.
import type { OnStoreEvent, StoreEvent } from "../store/events.ts";

const WORDS: Readonly<Record<string, string>> = {
  timeout: "did not answer in time",
  garbage: "gave an answer of another kind",
  "read-only": "may only be read by this job",
  "bad-bytes": "gave bytes that are not what was uploaded",
  EFBIG: "sent more than is taken",
};

export class LayerNotes {
  readonly #lines = new Map<string, string>();

  /** @param off layers that are not there, and why */
  constructor(off: ReadonlyMap<string, string>) {
    for (const [layer, why] of off) this.#lines.set(layer, `${layer} off: ${why}`);
  }

  readonly hear: OnStoreEvent = (event) => {
    const line = lineOf(event);
    if (line !== undefined && !this.#lines.has(event.layer)) this.#lines.set(event.layer, line);
  };

  lines(): readonly string[] {
    return [...this.#lines.values()];
  }
}

function lineOf(event: StoreEvent): string | undefined {
  if (event.type === "bad-bytes")
    return `${event.layer}: stored bytes are not what they should be; nothing of them is used`;
  if (event.type !== "failed") return undefined;
  const { layer, code } = event;
  return `${layer} off: ${layerWord(code)}${layer === "artifacts" ? rightsHint(code) : ""}`;
}

/** For questions about producers, which no layer asks. */
export function askingLine(code: string): string {
  return `nobody could be asked who made a record: GitHub ${layerWord(code)}${rightsHint(code)}`;
}

/** GitHub hides what a token may not see: 404. */
function rightsHint(code: string): string {
  return ["401", "403", "404"].includes(code)
    ? "; to reuse across branches: permissions: { actions: read, contents: read }"
    : "";
}

/** For a code of a StoreError. */
export function layerWord(code: string): string {
  return WORDS[code] ?? (/^\d{3}$/.test(code) ? `answered ${code}` : `failed (${code})`);
}
