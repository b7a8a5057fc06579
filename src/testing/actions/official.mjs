// GitHub's own clients in a process of their own, for they read the environment and print: runs the steps given as JSON on the
// command line, and prints their results as JSON on the last line.
import * as artifact from "@actions/artifact";
import * as cache from "@actions/cache";
import * as core from "@actions/core";

const client = new artifact.DefaultArtifactClient();

/** @type {Record<string, (...args: any[]) => Promise<unknown>>} */
const STEPS = {
  saveCache: (paths, key) => cache.saveCache(paths, key),
  restoreCache: (paths, key, restoreKeys) => cache.restoreCache(paths, key, restoreKeys),
  lookupCache: (paths, key, restoreKeys) => cache.restoreCache(paths, key, restoreKeys, { lookupOnly: true }),
  uploadArtifact: (name, files, root) => client.uploadArtifact(name, files, root),
  listArtifacts: () => client.listArtifacts(),
  findArtifact: (name, findBy) => client.getArtifact(name, findBy && { findBy }),
  downloadArtifact: (id, path, expectedHash) => client.downloadArtifact(id, { path, expectedHash }),
  downloadFrom: (id, path, findBy, expectedHash) => client.downloadArtifact(id, { path, findBy, expectedHash }),
  idToken: (audience) => core.getIDToken(audience),
};

const results = [];
for (const [step, ...args] of JSON.parse(process.argv[2] ?? "[]"))
  try {
    results.push({ value: (await STEPS[step]?.(...args)) ?? null });
  } catch (error) {
    results.push({ error: error instanceof Error ? `${error.name}: ${error.message}` : String(error) });
  }
process.stdout.write(`\n${JSON.stringify(results)}\n`);
// Timers of a client that gave up would keep the process for half a minute.
process.exit(0);
