// Settings that nothing here reads yet, with what holds instead. Set to anything but its default, each gets a note: docs/decisions/0085.
// A test looks for every other setting in the code.
import type { Key } from "./settings.ts";

export const IDLE: Partial<Readonly<Record<Key, string>>> = {
  "api.peer-deadline": "a peer's bytes are waited for as long as `store.deadline` and the mesh's own budget allow",
  "trace.extra-roots": "the tracer of a job chooses its roots itself: container daemons on throw-away machines",
  "p2p.discovery.methods.mdns": "peers are found on the same host, by bootstrap_peers, static_file and GitHub's caches",
};
