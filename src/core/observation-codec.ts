// Observations <-> columns: what is alike lies together, so that deflate finds it; digests, which no compression helps, lie
// raw in a column of their own. First-read order is kept. Layout and rejected designs: docs/format.md, "Observations".
import { ByteReader, ByteWriter, utf8 } from "./bytes.ts";
import { type Observation, QUESTION_KINDS } from "./observation.ts";

/** A value is a template from a dictionary and, by the template's shape, bytes or a number behind it. */
const SHAPE = { literal: 0, digest20: 1, digest32: 2, number: 3 } as const;
const DIGEST_BYTES: Readonly<Record<number, number>> = { [SHAPE.digest20]: 20, [SHAPE.digest32]: 32 };

const ENDS_IN_DIGEST = /^(.*?)([0-9a-f]{64}|[0-9a-f]{40})$/s;
/** `stat` answers: a size is nearly always new, the rest of the answer nearly never. */
const ENDS_IN_SIZE = /^(file (?:644|755) )(0|[1-9][0-9]{0,14})$/;

/** @throws TypeError for a key with a NUL, or text that is not well-formed: a bug in the caller */
export function encodeObservations(observations: readonly Observation[]): { columns: Buffer; digests: Buffer } {
  const templates = new Dictionary();
  const programs = new Dictionary();
  const kinds = Buffer.alloc(observations.length);
  const valueIds = new ByteWriter();
  const programIds = new ByteWriter();
  const numbers = new ByteWriter();
  const digests: Buffer[] = [];
  observations.forEach(({ kind, key, value, by }, i) => {
    if (key.includes("\0")) throw new TypeError(`an observation's key holds a NUL: ${JSON.stringify(key)}`);
    kinds[i] = QUESTION_KINDS.indexOf(kind);
    programIds.varint(programs.idOf(by));
    const sized = ENDS_IN_SIZE.exec(value);
    const [, prefix = value, tail = ""] = sized ?? ENDS_IN_DIGEST.exec(value) ?? [];
    if (sized !== null) numbers.varint(Number(tail));
    else if (tail !== "") digests.push(Buffer.from(tail, "hex"));
    const shape =
      sized !== null ? SHAPE.number : tail.length === 64 ? SHAPE.digest32 : tail === "" ? 0 : SHAPE.digest20;
    valueIds.varint(templates.idOf(String.fromCharCode(shape) + prefix));
  });

  const columns = new ByteWriter();
  columns.varint(observations.length);
  for (const dictionary of [templates, programs]) {
    columns.varint(dictionary.texts.length);
    for (const text of dictionary.texts) columns.text(text);
  }
  for (const part of [kinds, valueIds.done(), programIds.done(), numbers.done()]) columns.bytes(part);
  columns.bytes(utf8(observations.map(({ key }) => key).join("\0")));
  return { columns: columns.done(), digests: Buffer.concat(digests) };
}

/** @returns what is wrong, for bytes that `encodeObservations` cannot have made */
export function decodeObservations(columns: Uint8Array, digests: Uint8Array, max: number): Observation[] | string {
  const reader = new ByteReader(columns);
  const count = reader.varint();
  // Each observation takes 3 bytes at least: nothing is allocated on the word of a number.
  if (count > max || count * 3 > reader.left) return "count";
  const templates = readDictionary(reader);
  const programs = readDictionary(reader);
  const kinds = reader.take(count);
  const valueIds = readVarints(reader, count, templates.length);
  const programIds = readVarints(reader, count, programs.length);
  if (reader.failed || valueIds === undefined || programIds === undefined) return "columns";

  const hex = Buffer.from(digests.buffer, digests.byteOffset, digests.length).toString("hex");
  let hexAt = 0;
  const values: string[] = [];
  for (const id of valueIds) {
    const template = templates[id] ?? "";
    const shape = template.charCodeAt(0);
    const prefix = template.slice(1);
    const digits = (DIGEST_BYTES[shape] ?? 0) * 2;
    if (shape === SHAPE.literal) values.push(prefix);
    else if (shape === SHAPE.number) values.push(prefix + reader.varint());
    else if (digits === 0 || hexAt + digits > hex.length) return "values";
    else values.push(prefix + hex.slice(hexAt, (hexAt += digits)));
  }
  if (hexAt !== hex.length) return "digests";

  const text = reader.text(reader.left);
  const keys = count === 0 ? [] : text.split("\0");
  if (reader.failed || keys.length !== count || (count === 0 && text !== "")) return "keys";

  const observations: Observation[] = [];
  for (let i = 0; i < count; i++) {
    const kind = QUESTION_KINDS[kinds[i] ?? -1];
    if (kind === undefined) return "kinds";
    observations.push({ kind, key: keys[i] ?? "", value: values[i] ?? "", by: programs[programIds[i] ?? 0] ?? "" });
  }
  return observations;
}

class Dictionary {
  readonly texts: string[] = [];
  readonly #ids = new Map<string, number>();

  idOf(text: string): number {
    const known = this.#ids.get(text);
    if (known !== undefined) return known;
    const id = this.texts.push(text) - 1;
    this.#ids.set(text, id);
    return id;
  }
}

function readDictionary(reader: ByteReader): string[] {
  const texts: string[] = [];
  for (let left = reader.varint(); left > 0 && !reader.failed; left--) texts.push(reader.text(reader.varint()));
  return texts;
}

function readVarints(reader: ByteReader, count: number, below: number): Uint32Array | undefined {
  const values = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    const value = reader.varint();
    if (value >= below) return undefined;
    values[i] = value;
  }
  return values;
}
