// The agent as a layer of the store: one socket away are its memory, its peers and its shared stores. An agent that is gone
// or slow is a StoreError "gone", which `bounded` turns into a miss; the direct layers go on.
import { type Digest, parseDigest, sha256Of } from "../core/digest.ts";
import type { Hasher } from "../ports.ts";
import { type Store, StoreError } from "../store/store.ts";
import { type Answer, askAgent, type Ask } from "./client.ts";
import { MAX_BLOB_BYTES, MAX_DIGESTS, parseEntry } from "./store-service.ts";

/** @param deadlineMs `store.deadline`, for each call */
export function agentStore(hasher: Hasher, socket: string, deadlineMs: number): Store {
  const ask = async (what: Ask): Promise<Answer> => {
    const answer = await askAgent(socket, { ...what, deadlineMs });
    if (answer === undefined) throw new StoreError("agent", "gone", "the agent does not answer");
    if (answer.status !== 200 && answer.status !== 404)
      throw new StoreError(
        "agent",
        String(answer.status),
        `the agent refuses: ${answer.body.toString().slice(0, 200)}`,
      );
    return answer;
  };
  return {
    name: "agent",
    blobs: {
      async get(digest) {
        const answer = await ask({ path: `/v1/blobs/${digest}`, maxBytes: MAX_BLOB_BYTES });
        return answer.status === 200 ? answer.body : undefined;
      },
      async put(bytes) {
        const digest = sha256Of(hasher, bytes);
        await ask({ method: "POST", path: `/v1/blobs/${digest}`, body: bytes });
        return digest;
      },
      async findMissing(digests) {
        const missing: Digest[] = [];
        for (let at = 0; at < digests.length; at += MAX_DIGESTS) {
          const body = JSON.stringify(digests.slice(at, at + MAX_DIGESTS));
          const named = json(await ask({ method: "POST", path: "/v1/missing", body }));
          for (const each of Array.isArray(named) ? named : digests) {
            const digest = parseDigest(String(each));
            if (digest !== undefined) missing.push(digest);
          }
        }
        return missing;
      },
    },
    records: {
      async lookup(weak) {
        const entries = json(await ask({ path: `/v1/records/${weak}` }));
        return Array.isArray(entries) ? entries.flatMap((entry) => parseEntry(entry) ?? []) : [];
      },
      async append(weak, entry) {
        await ask({ method: "POST", path: `/v1/records/${weak}`, body: JSON.stringify(entry) });
      },
    },
  };
}

function json(answer: Answer): unknown {
  try {
    return JSON.parse(answer.body.toString()) as unknown;
  } catch {
    return undefined;
  }
}
