// A timer for answers of others that is not run down by this process's own stalls. A loop that was held up has listened to nobody:
// when it goes on, timers are due before the answers that lie in its sockets are read, and peers would be blamed for what a
// garbage collection or a starved machine did here.

/** More of them notice shorter stalls, and wake an idle process more often. */
const SLICES = 5;
/** Timers are due up to this late on an idle loop. */
const SLACK_MS = 1;

/**
 * Calls `over` after `ms` milliseconds in which this process could have heard an answer: what has come is read first, and of each
 * fifth of the time a stall costs that fifth and no more. So the whole takes `ms`, and of stalls at most five. @returns how to end it
 */
export function patience(ms: number, over: () => void): () => void {
  const slice = Math.max(1, ms / SLICES);
  let left = ms;
  let from = performance.now();
  let isOver = false;
  let timer = setTimeout(due, slice);
  let reading: NodeJS.Immediate | undefined;
  function due(): void {
    // Node runs immediates after it has read its sockets.
    reading = setImmediate(() => {
      if (isOver) return;
      const now = performance.now();
      left -= Math.min(now - from, slice + SLACK_MS);
      from = now;
      if (left >= SLACK_MS / 2) timer = setTimeout(due, Math.min(slice, left));
      else {
        isOver = true;
        over();
      }
    });
  }
  return () => {
    isOver = true;
    clearTimeout(timer);
    if (reading !== undefined) clearImmediate(reading);
  };
}
