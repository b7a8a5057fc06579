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
  // Git lists no empty folder: that it knows nothing at a path does not say that nothing was there.
  ...["wa=9", "+a=9", "ua", "za", "na=b", "nd=a", "nb=a", "hb=a", "yb=a", "ma", "wa/b=1", "da"].map(
    (operation): [Case] => [
      {
        git: true,
        tree: [
          { path: "a", type: "dir" },
          { path: "b", type: "file", content: "1", executable: false },
          { path: "d/a", type: "file", content: "1", executable: false },
        ],
        program: ["mo", operation],
        edits: [[{ kind: "remove", path: "a" }]],
      },
    ],
  ),
  // Whether a folder can be removed depends on what is in it.
  [
    {
      git: false,
      tree: [
        { path: "a", type: "file", content: "", executable: false },
        { path: "d/b", type: "file", content: "", executable: false },
      ],
      program: ["mo", "zd", "wa=9"],
      edits: [
        [
          { kind: "put", entry: { path: "d", type: "dir" } },
          { kind: "remove", path: "o" },
        ],
      ],
    },
  ],
  // What is gone after the run need not have been a file.
  [
    {
      git: false,
      tree: [
        { path: "a", type: "file", content: "", executable: false },
        { path: "b", type: "symlink", target: "d" },
        { path: "d", type: "dir" },
      ],
      program: ["mo", "+b=9", "zd", "ra"],
      edits: [[{ kind: "rename", from: "a", to: "a" }]],
    },
  ],
  // A folder replaces an empty one.
  ...["na=d", "nd=a"].map((operation): [Case] => [
    {
      git: false,
      tree: [
        { path: "a", type: "dir" },
        { path: "d", type: "dir" },
      ],
      program: ["mo", operation],
      edits: [
        [{ kind: "put", entry: { path: "d/b", type: "file", content: "", executable: false } }],
        [{ kind: "put", entry: { path: "a/b", type: "file", content: "", executable: false } }],
        [
          { kind: "put", entry: { path: "a", type: "dir" } },
          { kind: "put", entry: { path: "d/b", type: "file", content: "", executable: false } },
        ],
        [
          { kind: "put", entry: { path: "d", type: "dir" } },
          { kind: "put", entry: { path: "a/b", type: "file", content: "", executable: false } },
        ],
      ],
    },
  ]),
];
