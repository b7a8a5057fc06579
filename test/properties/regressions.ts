// Cases that the soundness property once found, shrunk: tried first, on every run.
import type { Case } from "./trial.ts";

export const REGRESSIONS: readonly [Case][] = [
  // Renaming a file to another link of itself does nothing (rename(2)): both names stay, and both are outputs.
  [
    {
      git: false,
      tree: [],
      program: ["mo", "wo/a=", "ho/a=o/b", "no/a=o/b", "wo/b="],
      edits: [[{ kind: "remove", path: "o" }]],
    },
  ],
  // A folder that is not empty cannot be removed: it stays, and is an output.
  [
    {
      git: false,
      tree: [],
      program: ["mo", "wo/a=", "uo", "wo/b=1"],
      edits: [[{ kind: "remove", path: "o" }]],
    },
  ],
  // Neither can it be renamed to a folder that is not empty.
  [
    {
      git: false,
      tree: [
        { path: "d", type: "dir" },
        { path: "d/a", type: "file", content: "1", executable: false },
      ],
      program: ["mo", "wo/a=", "no=d", "wo/b=1"],
      edits: [[{ kind: "remove", path: "o" }]],
    },
  ],
];
