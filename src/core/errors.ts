// The one registry of error codes. An error says what happened and why in one lower-case line, and gives a hint to paste.

export const ERROR_CODES = {
  E_USAGE: "the command line is wrong",
  E_CONFIG: "a configuration value is wrong",
  E_STORE: "the store cannot be used",
  E_LOCKED: "somebody else holds the lock",
  E_PORT: "a port or socket is taken",
  E_KEY: "a key is missing or wrong",
  E_NOT_FOUND: "what was named does not exist",
  E_DENIED: "the answer is no, and the audit log says why",
  E_DAMAGED: "something was altered, cut or lost; nothing of it is used",
  E_ROLLED_BACK: "an older state was put back in place of the last one",
  E_UNSAFE: "a file or folder that must be private is not",
  E_INTERNAL: "a bug in Foregone",
} as const;
export type ErrorCode = keyof typeof ERROR_CODES;

/** Exit codes are API (docs/cli.md). `run` and `exec` exit with the command's own code; 128+n for signal n. */
export const EXIT = {
  done: 0,
  wrong: 1,
  usage: 2,
  wouldRun: 3,
  partly: 4,
  noStore: 10,
  locked: 11,
  wrongKey: 12,
  bug: 70,
  ownUsage: 125,
  notExecutable: 126,
  notFound: 127,
  interrupted: 130,
} as const;

/** An expected failure of a query command. Shells catch it once, print it and exit with `exitCode`. */
export class ForegoneError extends Error {
  readonly code: ErrorCode;
  readonly exitCode: number;
  /** A line one can paste or act on. */
  readonly hint: string | undefined;
  constructor(code: ErrorCode, message: string, options: { exitCode?: number; hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "ForegoneError";
    this.code = code;
    this.exitCode = options.exitCode ?? defaultExit(code);
    this.hint = options.hint;
  }
}

function defaultExit(code: ErrorCode): number {
  switch (code) {
    case "E_USAGE":
    case "E_CONFIG":
      return EXIT.usage;
    case "E_STORE":
      return EXIT.noStore;
    case "E_LOCKED":
    case "E_PORT":
      return EXIT.locked;
    case "E_KEY":
      return EXIT.wrongKey;
    case "E_NOT_FOUND":
    case "E_DENIED":
    case "E_DAMAGED":
    case "E_ROLLED_BACK":
    case "E_UNSAFE":
      return EXIT.wrong;
    case "E_INTERNAL":
      return EXIT.bug;
    default:
      return code satisfies never;
  }
}
