// A parsed layer as text and back. What does not decode exactly is parsed again.
import type { Issue, Origin } from "./issue.ts";
import type { Entry, Layer } from "./layer.ts";
import { isKey, type Key } from "./settings.ts";

export function encodeLayer(layer: Layer): string {
  return JSON.stringify({ entries: [...layer.entries], issues: layer.issues, peersOff: layer.peersOff ?? null });
}

export function decodeLayer(text: string): Layer | undefined {
  try {
    const { entries, issues, peersOff } = JSON.parse(text) as {
      entries: [string, { value: unknown; at: Origin; as: string }][];
      issues: Issue[];
      peersOff: string | null;
    };
    const kept = new Map<Key, Entry>();
    for (const [key, entry] of entries) {
      if (!isKey(key)) return undefined;
      kept.set(key, entry);
    }
    return { entries: kept, issues, ...(peersOff !== null && { peersOff }) };
  } catch {
    return undefined;
  }
}
