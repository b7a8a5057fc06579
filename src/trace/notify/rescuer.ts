// Answers without looking, in a process of its own: for a command whose supervisor died or is stuck, and for what a command
// leaves running. Without it each call of theirs would wait for ever, or fail with ENOSYS once we are gone.
import type { Libc } from "../ffi.ts";
import { Listener } from "./listener.ts";

/** Where the parent puts the listener. */
export const RESCUER_FD = 3;

/** Ends when nobody carries the filter any more. */
export function rescue(libc: Libc, fd: number): void {
  const listener = new Listener(libc);
  listener.open(fd);
  for (;;) {
    const waited = listener.wait(-1);
    if (waited === "all gone") return;
    if (waited === "asked" && listener.receive()) listener.answer();
  }
}
