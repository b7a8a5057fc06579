// Reads the ring every few milliseconds: waking a reader for each record would cost the command more than its calls do.

const POLL_MS = 15;
/** More than this at once, and the next read comes at once: a storm fills 64 MiB in 0.3 s. */
const BUSY_BYTES = 2 << 20;

export interface Poller {
  stop(): void;
}

/** @param drain reads at most so many bytes and says how many it read */
export function poll(drain: (maxBytes: number) => number): Poller {
  let timer: NodeJS.Timeout | undefined;
  const turn = (): void => {
    const busy = drain(BUSY_BYTES) >= BUSY_BYTES;
    timer = setTimeout(turn, busy ? 0 : POLL_MS);
  };
  timer = setTimeout(turn, POLL_MS);
  return { stop: () => clearTimeout(timer) };
}
