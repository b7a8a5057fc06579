import { expect, test } from "vitest";
import { diskEffects } from "../testing/disk-folder.ts";
import { temporaryFolder } from "../testing/temporary-folder.ts";
import { openStore, storeRoot } from "./open.ts";

test.each([
  [{ FOREGONE_CACHE_DIR: "/a", CACHE_DIR: "/b", XDG_CACHE_HOME: "/c", HOME: "/h" }, "/a"],
  [{ FOREGONE_CACHE_DIR: "sub", HOME: "/h" }, "/cwd/sub"],
  [{ FOREGONE_CACHE_DIR: "", CACHE_DIR: "/b", HOME: "/h" }, "/b"],
  [{ XDG_CACHE_HOME: "/c", HOME: "/h" }, "/c/foregone"],
  [{ XDG_CACHE_HOME: "relative", HOME: "/h" }, "/h/.cache/foregone"],
  [
    { LOCALAPPDATA: "C:\\Users\\u\\AppData\\Local", USERPROFILE: "C:\\Users\\u" },
    "C:\\Users\\u\\AppData\\Local/foregone",
  ],
  [{ HOME: "/h" }, "/h/.cache/foregone"],
])("the store of %j is in %s", (env, root) => {
  expect(storeRoot(env, "/cwd")).toBe(root);
});

test("without any place for it, the store says which variable would give it one", () => {
  expect(() => storeRoot({ HOME: "relative" }, "/cwd")).toThrow(
    expect.objectContaining({ code: "ENOHOME", hint: "set FOREGONE_CACHE_DIR" }),
  );
});

test("a store opens below its root, with or without a slash at the end", async () => {
  const root = temporaryFolder();
  const { store, folder } = openStore(diskEffects, { FOREGONE_CACHE_DIR: `${root}//` }, "/");
  expect(folder.path).toBe(`${root}/v1`);
  expect(await store.blobs.get(await store.blobs.put(Buffer.from("x")))).toEqual(Buffer.from("x"));
});
