// `foregone api`: the GitHub API cache.
import { type CommandSpec, JSON_OPTION, type OptionSpec } from "../command.ts";
import { socketOption } from "./options.ts";

const SOCKET = socketOption("unix socket of the proxy (0600)");
const UPSTREAM: OptionSpec = {
  name: "upstream",
  type: "list",
  placeholder: "HOST=ORIGIN",
  summary: "reach HOST at ORIGIN (https, or http on loopback) instead of https://HOST",
};

export const apiSpecs: readonly CommandSpec[] = [
  {
    name: "api",
    summary: "answer reads of the GitHub API from a cache that GitHub certifies",
    usage: "COMMAND [options]",
    options: [],
    subcommands: [
      {
        name: "serve",
        summary: "run the proxy until it is told to stop",
        usage: "[options]",
        details:
          "Prints where it listens, one door a line, and serves until SIGINT or SIGTERM. `foregone agent` contains the\nsame proxy.",
        options: [
          SOCKET,
          {
            name: "port",
            type: "value",
            placeholder: "N",
            summary: "loopback port of the base URL; 0 (default): any free one",
          },
          { name: "proxy", type: "flag", summary: "also open a CONNECT proxy that ends TLS for the API hosts only" },
          UPSTREAM,
          JSON_OPTION,
        ],
        examples: ["foregone api serve", "foregone api serve --proxy --json"],
        load: () => import("../commands/api-serve.ts"),
      },
      {
        name: "exec",
        summary: "run a command whose GitHub reads go through the cache",
        usage: "[options] -- CMD ARGS...",
        details:
          "Uses the running proxy, or one of its own for this command. The exit code and the output are the command's own.\n" +
          "Ways: socket (gh), base-url (GITHUB_API_URL, FOREGONE_API_URL), preload (fetch and undici in Node programs),\n" +
          "proxy (HTTPS_PROXY and a certificate, for programs that know only https://api.github.com).",
        options: [
          { name: "via", type: "value", placeholder: "WAYS", summary: "default: socket,base-url,preload" },
          SOCKET,
          UPSTREAM,
          { name: "quiet", short: "q", type: "flag", summary: "say nothing but errors" },
        ],
        passThrough: true,
        ownsStreams: true,
        examples: ["foregone api exec -- gh run list", "foregone api exec --via proxy -- ./release-notes.py"],
        load: () => import("../commands/api-exec.ts"),
      },
      {
        name: "get",
        summary: "read one path of the API through the cache and print the body",
        usage: "[options] PATH",
        options: [
          { name: "include", short: "i", type: "flag", summary: "print status and headers too" },
          { name: "paginate", type: "flag", summary: "follow `Link: rel=next`; lists are joined" },
          { name: "header", short: "H", type: "list", placeholder: "NAME:VALUE", summary: "a request header" },
          SOCKET,
          UPSTREAM,
        ],
        examples: [
          "foregone api get /repos/cli/cli/releases/latest",
          "foregone api get -i --paginate '/repos/o/r/labels?per_page=100'",
        ],
        load: () => import("../commands/api-get.ts"),
      },
      {
        name: "stats",
        summary: "say what the running proxy has served and saved",
        usage: "[options]",
        options: [SOCKET, JSON_OPTION],
        load: () => import("../commands/api-stats.ts"),
      },
      {
        name: "explain",
        summary: "say why the last answers to a read were what they were",
        usage: "[options] URL | PATH",
        options: [SOCKET, JSON_OPTION],
        examples: ["foregone api explain '/repos/cli/cli/pulls?state=open'"],
        load: () => import("../commands/api-explain.ts"),
      },
      {
        name: "invalidate",
        summary: "end leases of one repository, one owner, or all: the next reads ask GitHub",
        usage: "[options] OWNER/REPO | OWNER | --all",
        options: [{ name: "all", type: "flag", summary: "everything" }, SOCKET, JSON_OPTION],
        examples: ["foregone api invalidate cli/cli"],
        load: () => import("../commands/api-invalidate.ts"),
      },
      {
        name: "clear",
        summary: "forget everything that is cached, in memory and on disk",
        usage: "[options]",
        options: [SOCKET, JSON_OPTION],
        load: () => import("../commands/api-clear.ts"),
      },
    ],
  },
];
