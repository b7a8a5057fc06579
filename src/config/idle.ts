// Settings that nothing here reads yet, with what holds instead. Set to anything but its default, each gets a note: docs/decisions/0085.
// A test looks for every other setting in the code.
import type { Key } from "./settings.ts";

export const IDLE: Partial<Readonly<Record<Key, string>>> = {
  "api.peer-deadline": "a peer's bytes are waited for as long as `store.deadline` and the mesh's own budget allow",
  "skip.trust": "records of other machines are judged by the action's input `trust`",
  "skip.trust-fork-exact-tree": "a fork's pull request proves nothing for others; the action's input `trust` decides",
  "trace.extra-roots": "the tracer of a job chooses its roots itself: container daemons on throw-away machines",
};
