// The environment in which a command's GitHub reads go through the cache, for each way in. Files that it needs lie in one
// private folder that goes when the command ends.
import fs from "node:fs";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { fileURLToPath } from "node:url";
import { ForegoneError } from "../../core/errors.ts";
import type { ApiDoors } from "../../github/proxy.ts";

export const WAYS = ["socket", "base-url", "preload", "proxy"] as const;
export type Way = (typeof WAYS)[number];
export const DEFAULT_WAYS: readonly Way[] = ["socket", "base-url", "preload"];

type Env = Readonly<Record<string, string>>;

/** @throws ForegoneError E_USAGE for a word that is no way */
export function parseWays(text: string | undefined): readonly Way[] {
  if (text === undefined) return DEFAULT_WAYS;
  return text.split(",").map((word) => {
    const way = WAYS.find((known) => known === word.trim());
    if (way === undefined)
      throw new ForegoneError("E_USAGE", `--via knows ${WAYS.join(", ")}, not "${word}"`, { exitCode: 125 });
    return way;
  });
}

/**
 * @param hosts API hosts by name
 * @param folder empty and private; files are written there
 */
export function execEnv(
  env: Env,
  ways: readonly Way[],
  doors: ApiDoors,
  hosts: readonly string[],
  folder: string,
): Env {
  const made: Record<string, string> = { ...env };
  for (const way of ways) Object.assign(made, MAKE[way](made, doors, hosts, folder));
  return made;
}

const MAKE: Readonly<Record<Way, (env: Env, doors: ApiDoors, hosts: readonly string[], folder: string) => Env>> = {
  socket(env, { socket }, _hosts, folder) {
    if (socket === undefined) return {};
    return { FOREGONE_SOCKET: socket, GH_CONFIG_DIR: ghConfig(env, socket, join(folder, "gh")) };
  },
  "base-url"(_env, { apiUrl }) {
    if (apiUrl === undefined) return {};
    const graphql = `${apiUrl.replace(/\/api\/v3$/, "/api")}/graphql`;
    return { FOREGONE_API_URL: apiUrl, GITHUB_API_URL: apiUrl, GITHUB_GRAPHQL_URL: graphql };
  },
  preload(env, { apiUrl }, hosts) {
    const hook = preloadFile();
    if (apiUrl === undefined || hook === undefined) return {};
    const options = env["NODE_OPTIONS"] ?? "";
    return {
      NODE_OPTIONS: `${options} --require ${JSON.stringify(hook)}`.trim(),
      FOREGONE_PRELOAD_URL: new URL(apiUrl).origin,
      FOREGONE_PRELOAD_HOSTS: hosts.join(","),
    };
  },
  proxy(env, { proxy }, _hosts, folder) {
    if (proxy === undefined) return {};
    const leaf = join(folder, "leaf.pem");
    const all = join(folder, "roots.pem");
    const extra = env["NODE_EXTRA_CA_CERTS"];
    fs.writeFileSync(leaf, `${extra === undefined ? "" : readQuietly(extra)}${proxy.certificate}`, { mode: 0o600 });
    // These variables replace the trust store: the system's roots must be in the file too.
    fs.writeFileSync(all, `${systemRoots(env)}\n${proxy.certificate}`, { mode: 0o600 });
    return {
      HTTPS_PROXY: proxy.url,
      https_proxy: proxy.url,
      NODE_EXTRA_CA_CERTS: leaf,
      // Node's own fetch looks at HTTPS_PROXY from version 24 on, if told so.
      NODE_USE_ENV_PROXY: "1",
      SSL_CERT_FILE: all,
      CURL_CA_BUNDLE: all,
      REQUESTS_CA_BUNDLE: all,
    };
  },
};

/**
 * gh takes its socket from config.yml alone. A folder with the user's configuration and that line; hosts.yml, which holds
 * tokens, is linked and never copied.
 */
export function ghConfig(env: Env, socket: string, folder: string): string {
  const own =
    env["GH_CONFIG_DIR"] ||
    (env["XDG_CONFIG_HOME"]
      ? join(env["XDG_CONFIG_HOME"], "gh")
      : join(env["HOME"] ?? "/nonexistent", ".config", "gh"));
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lines = readQuietly(join(own, "config.yml"))
    .split("\n")
    .filter((line) => line.trim() !== "" && !/^http_unix_socket\s*:/.test(line));
  fs.writeFileSync(
    join(folder, "config.yml"),
    `${[...lines, `http_unix_socket: ${JSON.stringify(socket)}`].join("\n")}\n`,
    { mode: 0o600 },
  );
  fs.rmSync(join(folder, "hosts.yml"), { force: true });
  fs.symlinkSync(join(own, "hosts.yml"), join(folder, "hosts.yml"));
  return folder;
}

const SYSTEM_ROOTS = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

function systemRoots(env: Env): string {
  for (const file of [env["SSL_CERT_FILE"], ...SYSTEM_ROOTS]) {
    const text = file === undefined ? "" : readQuietly(file);
    if (text !== "") return text;
  }
  return rootCertificates.join("\n");
}

function readQuietly(file: string): string {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** bin/preload.cjs of this package, wherever this file has been bundled to. */
function preloadFile(): string | undefined {
  for (let folder = new URL(".", import.meta.url); ; folder = new URL("..", folder)) {
    const file = fileURLToPath(new URL("bin/preload.cjs", folder));
    if (fs.existsSync(file)) return file;
    if (folder.pathname === "/") return undefined;
  }
}
