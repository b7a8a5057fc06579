// Credentials that a run was given must not end up in its record: not in its output, not in the files it made, not in an
// argument or a path. What was found is a gap of kind `secret-output`, and then nothing is stored at all.
import type { Gap } from "../core/gap.ts";
import type { ActionRecord } from "../core/record.ts";
import type { MadeRecord } from "./record-run.ts";

/** Looks for the values, in any of their forms, in one stream of bytes. */
export interface SecretSearch {
  write(bytes: Uint8Array): void;
  readonly found: boolean;
}

export class OutputSearch {
  readonly #begin: () => SecretSearch;
  readonly #streams: { readonly stdout: SecretSearch; readonly stderr: SecretSearch };

  /** @param begin a search for one stream */
  constructor(begin: () => SecretSearch) {
    this.#begin = begin;
    this.#streams = { stdout: begin(), stderr: begin() };
  }

  /** As the command writes: a value may be cut by two writes. */
  output(stream: "stdout" | "stderr", bytes: Uint8Array): void {
    this.#streams[stream].write(bytes);
  }

  /** The first place that holds a value; undefined: none does. */
  judge({ record, contents }: Pick<MadeRecord, "record" | "contents">): Gap | undefined {
    for (const what of ["stdout", "stderr"] as const)
      if (this.#streams[what].found) return { kind: "secret-output", what };
    for (const { path, content } of record.result.outputs) {
      const bytes = content === undefined ? undefined : contents.get(content);
      if (bytes !== undefined && this.#holds(bytes)) return { kind: "secret-output", what: path };
    }
    return this.#holds(Buffer.from(JSON.stringify(named(record))))
      ? { kind: "secret-output", what: "an argument or path" }
      : undefined;
  }

  #holds(bytes: Uint8Array): boolean {
    const search = this.#begin();
    search.write(bytes);
    return search.found;
  }
}

/** What of a record is text of the run, not digests of ours. */
function named({ action, trace, result }: ActionRecord): unknown {
  return [
    action.argv,
    action.cwd,
    trace.observations.map(({ key, by }) => [key, by]),
    trace.gaps,
    result.outputs.map(({ path }) => path),
  ];
}
