// The settings as JSON Schema, for editors: completion, hover text and errors while typing.
import type { Json } from "../core/canonical.ts";
import { FOUNDING } from "./founding.ts";
import type { Setting } from "./setting.ts";
import { KEYS, SETTINGS } from "./settings.ts";

interface Tree {
  [name: string]: Tree | Leaf;
}
class Leaf {
  readonly schema: Json;
  constructor(schema: Json) {
    this.schema = schema;
  }
}

/** @param file which of the two files: p2p-config.yml holds what is below `p2p:` */
export function configJsonSchema(file: "cache-config" | "p2p-config"): Json {
  const tree: Tree = {};
  const prefix = file === "p2p-config" ? "p2p." : "";
  const put = (name: string, schema: Json): void => {
    if (!name.startsWith(prefix)) return;
    const parts = name.slice(prefix.length).split(".");
    let at = tree;
    for (const part of parts.slice(0, -1)) {
      const next = (at[part] ??= {});
      if (next instanceof Leaf) throw new TypeError(`${name}: ${part} is a setting and a section`);
      at = next;
    }
    at[parts.at(-1) ?? ""] = new Leaf(schema);
  };
  for (const key of KEYS) {
    const { kind, fallback, doc, secret }: Setting = SETTINGS[key];
    if (secret !== true) put(key, { ...kind.schema, description: doc, default: fallback });
  }
  for (const [name, founding] of Object.entries(FOUNDING)) {
    if (founding.is === "alias") {
      const { kind, doc }: Setting = SETTINGS[founding.key];
      put(name, { ...kind.schema, description: `${doc} (the same as ${founding.key})` });
    } else if (founding.is === "held") put(name, { const: founding.value, description: founding.why });
    else put(name, { deprecated: true, description: founding.why });
  }
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: `Foregone: .github/${file}.yml`,
    ...section(tree),
  };
}

function section(tree: Tree): { readonly [name: string]: Json } {
  return {
    type: "object",
    additionalProperties: false,
    properties: Object.fromEntries(
      Object.entries(tree).map(([name, node]) => [name, node instanceof Leaf ? node.schema : section(node)]),
    ),
  };
}
