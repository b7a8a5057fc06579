// Peers of one local network, by multicast DNS (RFC 6762): a question for the mesh's TXT record, answered by every member with its sealed
// addresses, the same form as in the Actions cache. Who is on that network learns that a mesh is there, and can only make us dial in vain.
import type { MulticastDNS } from "multicast-dns";
import { hexKey, lp, sha256 } from "../bytes.ts";
import type { MeshKeys } from "../mesh-key.ts";
import { decodeCacheKey, encodeCacheKey } from "./cache-key.ts";
import type { Announcement, PeerRegistry } from "./registry.ts";

export interface MdnsOptions {
  readonly network: string;
  readonly keys: MeshKeys;
  readonly lifeMs: number;
  readonly now: () => number;
  /** 5353 but in tests. */
  readonly port?: number;
}

const PREFIX = "p2p-peers";
/** One answer is due within 120 ms (RFC 6762, section 6). */
const LISTEN_MS = 500;
/** RFC 6762, section 6: a record is multicast once a second at most. A flood of questions costs others no more. */
const ANSWER_EVERY_MS = 1000;
/** Opened in one listing: what is sent beyond that is a flood. */
const MAX_LINES = 256;
/** Of a string in a TXT record (RFC 1035, section 3.3). */
const STRING_BYTES = 255;
/** Seconds. Who asks keeps nothing: the sealed line says itself how long it holds. */
const TTL = 120;

export function mdns({ network, keys, lifeMs, now, port }: MdnsOptions): PeerRegistry {
  const name = `${hexKey(sha256(lp(network, keys[0].kid))).slice(0, 32)}._foregone._tcp.local`;
  let opened: Promise<MulticastDNS> | undefined;
  let self: Announcement | undefined;
  let answeredAt = Number.NEGATIVE_INFINITY;
  /** Our own question comes back to us, and is not to use up the answer of that second. */
  let ownQuestion = false;

  const answer = (socket: MulticastDNS): void => {
    if (ownQuestion) {
      ownQuestion = false;
      return;
    }
    if (self === undefined || now() - answeredAt < ANSWER_EVERY_MS) return;
    answeredAt = now();
    const line = encodeCacheKey(PREFIX, keys[0], self, now() + lifeMs);
    if (line !== undefined) socket.respond([{ name, type: "TXT", ttl: TTL, data: stringsOf(line) }]);
  };
  const open = async (): Promise<MulticastDNS> => {
    const { default: multicastDns } = await import("multicast-dns");
    const socket = multicastDns(port === undefined ? {} : { port });
    await new Promise<void>((done, fail) => {
      socket.once("ready", done);
      socket.once("error", (error) => {
        // It is tried again every few seconds: a socket that was not bound must not stay.
        socket.destroy();
        fail(error);
      });
    });
    socket.on("error", () => forget());
    socket.on("query", ({ questions = [] }) => {
      if (questions.some((each) => each.type === "TXT" && each.name.toLowerCase() === name)) answer(socket);
    });
    return socket;
  };
  const socketNow = (): Promise<MulticastDNS> => {
    opened ??= open().catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  };
  const forget = (): void => {
    void opened?.then((socket) => socket.destroy()).catch(() => undefined);
    opened = undefined;
  };

  return {
    name: "mdns",
    source: "registry",
    async list() {
      const socket = await socketNow();
      const found = new Set<string>();
      let lines = 0;
      const take = ({
        answers,
      }: {
        readonly answers: readonly { name: string; type: string; data?: unknown }[];
      }): void => {
        for (const each of answers) {
          if (each.type !== "TXT" || each.name.toLowerCase() !== name || lines >= MAX_LINES) continue;
          lines++;
          const announced = decodeCacheKey(PREFIX, keys, textOf(each.data), now(), lifeMs);
          if (announced === undefined || announced.peer === self?.peer) continue;
          for (const address of announced.addresses) found.add(address);
        }
      };
      socket.on("response", take);
      try {
        await new Promise<void>((done, fail) => {
          setTimeout(done, LISTEN_MS);
          ownQuestion = true;
          socket.query(name, "TXT", (error: Error | null | undefined) => error && fail(error));
        });
      } finally {
        ownQuestion = false;
        socket.off("response", take);
      }
      return [...found];
    },
    /** Nothing is sent until somebody asks. */
    async announce(announcement) {
      self = announcement;
      await socketNow();
    },
    async withdraw() {
      self = undefined;
      forget();
    },
  };
}

function stringsOf(line: string): Buffer[] {
  const bytes = Buffer.from(line, "latin1");
  const strings: Buffer[] = [];
  for (let from = 0; from < bytes.length; from += STRING_BYTES) strings.push(bytes.subarray(from, from + STRING_BYTES));
  return strings;
}

/** @param data as the library gives it: strings of bytes, or one. Anything else reads as empty. */
function textOf(data: unknown): string {
  const parts = Array.isArray(data) ? data : [data];
  return Buffer.concat(parts.filter((part) => Buffer.isBuffer(part))).toString("latin1");
}
