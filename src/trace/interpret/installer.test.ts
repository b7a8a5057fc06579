import { describe, expect, test } from "vitest";
import { pinnedInstaller } from "./installer.ts";

describe("pinnedInstaller()", () => {
  test.for([
    ["npm ci", "npm ci"],
    ["node /usr/bin/npm ci", "npm ci"],
    ["node /usr/lib/node_modules/npm/bin/npm-cli.js clean-install", "npm ci"],
    ["npm install", undefined],
    ["npm run ci", undefined],
    ["pnpm install --frozen-lockfile", "pnpm install"],
    ["pnpm install", undefined],
    ["yarn install --immutable", "yarn install"],
    ["yarn", undefined],
    ["cargo fetch --locked", "cargo"],
    ["cargo build", undefined],
    ["go build -mod=readonly ./...", "go"],
    ["go build ./...", undefined],
    ["go get -mod=readonly x", undefined],
    ["go install -mod=readonly example.org/x@latest", undefined],
    ["python3 -m pip install --require-hashes -r requirements.txt", "pip install"],
    ["pip install -r requirements.txt", undefined],
    ["pip install --require-hashes -r a -r b", undefined],
    ["curl https://example.org", undefined],
    ["", undefined],
  ] as const)("%s: %s", ([line, expected]) => expect(pinnedInstaller(line.split(" "))?.name).toBe(expected));

  test("npm names its process anew: then all words are one", () => {
    expect(pinnedInstaller(["npm ci"])?.lockFiles).toEqual(["package-lock.json", "npm-shrinkwrap.json"]);
  });
  test("pip's lock file is the one it was given", () => {
    expect(pinnedInstaller(["pip", "install", "--require-hashes", "--requirement=locks/a.txt"])?.lockFiles).toEqual([
      "locks/a.txt",
    ]);
  });
});
