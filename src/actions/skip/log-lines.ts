// The command and we write to one log. A line of ours, or a command of the runner, only counts at the beginning of a line.
import type { Host } from "../host.ts";

export interface SharedLog extends Host {
  /** What the command prints, as it is. */
  pass(stream: "stdout" | "stderr", bytes: Uint8Array): void;
}

export function sharedLog(
  host: Host,
  write: { readonly stdout: (bytes: Uint8Array) => void; readonly stderr: (bytes: Uint8Array) => void },
): SharedLog {
  let open = false;
  const fresh = (): void => {
    if (open) write.stdout(Buffer.from("\n"));
    open = false;
  };
  return {
    ...host,
    log(line) {
      fresh();
      host.log(line);
    },
    annotate(level, message) {
      fresh();
      host.annotate(level, message);
    },
    pass(stream, bytes) {
      if (bytes.length === 0) return;
      write[stream](bytes);
      open = bytes.at(-1) !== 0x0a;
    },
  };
}
