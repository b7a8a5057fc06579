// A workflow as plain data with its scalars as they are written: `3.10` is not 3.1, and `on` is a name.
import { type Document, isAlias, isMap, isScalar, isSeq, type Node, parseDocument, type Scalar } from "yaml";
import type { Json } from "../core/canonical.ts";

/** @returns `why` if it is no YAML */
export function yamlSource(yaml: string): { readonly value: Json } | { readonly why: string } {
  const document = parseDocument(yaml, { uniqueKeys: true });
  const [error] = document.errors;
  if (error !== undefined) return { why: `no YAML: ${error.message.split("\n")[0]}` };
  return { value: source(document.contents, document, 0) };
}

export function member(value: Json | undefined, name: string): Json | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, name) ? (value as Record<string, Json>)[name] : undefined;
}

/** Plain data with scalars as they are written: `3.10` is not 3.1. */
function source(node: Node | null | undefined, document: Document, depth: number): Json {
  if (depth > 50 || node === null || node === undefined) return null;
  if (isAlias(node)) return source(node.resolve(document), document, depth + 1);
  if (isMap(node))
    return Object.fromEntries(
      node.items.map(({ key, value }) => [
        scalarText(key as Node | null),
        source(value as Node | null, document, depth + 1),
      ]),
    );
  if (isSeq(node)) return node.items.map((item) => source(item as Node | null, document, depth + 1));
  return isScalar(node) ? scalarText(node) : null;
}

function scalarText(node: Node | null): string {
  if (!isScalar(node)) return "";
  const { source: text, value } = node as Scalar;
  return typeof value === "string" ? value : (text ?? String(value));
}
