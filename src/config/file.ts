// A YAML file -> a layer. Every value keeps its line; an unknown key is an error with the nearest known one, because a
// typo in a security setting must not pass. Loads the YAML library: call it only for bytes not parsed before.
import { isAlias, isMap, isScalar, LineCounter, type Node, type ParsedNode, parseDocument } from "yaml";
import type { Json } from "../core/canonical.ts";
import { nearest } from "../core/nearest.ts";
import { FOUNDING } from "./founding.ts";
import type { Origin } from "./issue.ts";
import { type Layer, LayerBuilder } from "./layer.ts";
import { KEYS, SETTINGS, isKey } from "./settings.ts";

const NAMES: readonly string[] = [...KEYS, ...Object.keys(FOUNDING)];

/**
 * @param file name for messages, e.g. ".github/cache-config.yml"
 * @param prefix "" or "p2p.": p2p-config.yml is the section `p2p:` in a file of its own
 */
export function parseConfigFile(text: string, file: string, prefix: "" | "p2p."): Layer {
  const layer = new LayerBuilder();
  const lines = new LineCounter();
  // 1.2 core schema: `on` and `no` stay text, `0o17` is a number, no merge keys, no doubled keys.
  const document = parseDocument(text, { version: "1.2", merge: false, uniqueKeys: true, lineCounter: lines });
  const at = (offset: number): Origin => ({ from: "file", file, line: Math.max(1, lines.linePos(offset).line) });
  for (const error of document.errors) layer.error(at(error.pos[0]), firstLine(error.message));
  if (document.errors.length > 0) return layer.build();

  const add = (name: string, node: Node | null, from: Origin): void => {
    try {
      // 20 aliases: enough for a shared list, far below what makes a small file explode.
      layer.add(name, node === null ? null : (node.toJS(document, { maxAliasCount: 20 }) as Json), from);
    } catch (error) {
      layer.error(from, `${name}: ${firstLine(error instanceof Error ? error.message : String(error))}`);
    }
  };
  const visit = (node: ParsedNode | null, path: string, from: Origin): void => {
    if (node === null || (isScalar(node) && node.value === null)) return; // an empty section says nothing
    if (isAlias(node)) return layer.error(from, `${path}: an alias cannot stand for a section`);
    if (!isMap(node)) return layer.error(from, `${path === "" ? "the file" : path} must be a mapping of settings`);
    for (const pair of node.items) {
      const keyNode = pair.key;
      const here = at(keyNode.range[0]);
      const word = isScalar(keyNode) ? String(keyNode.value) : undefined;
      if (word === undefined) {
        layer.error(here, "a key must be plain text");
        continue;
      }
      const name = `${path}${word}`;
      if (isKey(name) && "secret" in SETTINGS[name])
        layer.error(
          here,
          `${name} is a secret and must not be in a file that is committed`,
          `set it in the environment`,
        );
      else if (isKey(name) || Object.hasOwn(FOUNDING, name)) add(name, pair.value, here);
      else if (NAMES.some((known) => known.startsWith(`${name}.`))) visit(pair.value, `${name}.`, here);
      else unknown(layer, here, path, word, prefix);
    }
  };
  visit(document.contents, prefix, at(0));
  return layer.build();
}

function unknown(layer: LayerBuilder, at: Origin, path: string, word: string, prefix: string): void {
  const siblings = new Set(
    NAMES.filter((name) => name.startsWith(path)).map((name) => name.slice(path.length).split(".")[0] ?? ""),
  );
  const close = nearest(word, [...siblings]) ?? elsewhere(word);
  const shown = `${path}${word}`.slice(prefix.length);
  layer.error(
    at,
    `unknown key "${shown}"`,
    close === undefined ? "see docs/configuration.md" : `did you mean \`${close}\`?`,
  );
}

/** The same last word in another section: `max-age` at the top is probably `skip.max-age`. */
function elsewhere(word: string): string | undefined {
  const found = KEYS.filter((key) => key.endsWith(`.${word}`));
  return found.length === 1 ? found[0] : undefined;
}

function firstLine(message: string): string {
  const [line = ""] = message.split("\n");
  return line.replace(/ at line \d+, column \d+:?$/, "").replace(/^[A-Z]/, (c) => c.toLowerCase());
}
