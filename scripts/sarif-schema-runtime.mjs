// What the compiled SARIF schema calls. Bundled into src/codeql/sarif/schema-check.js by sarif-schema.mjs.

/** More errors than this say nothing new, and each costs memory. */
const MAX_ERRORS = 1000;

/**
 * @param {unknown[]} errors
 * @param {unknown} error
 */
export function add(errors, error) {
  if (errors.length >= MAX_ERRORS) throw new RangeError("too many schema errors");
  errors.push(error);
}

/**
 * @param {unknown[]} errors
 * @param {unknown[]} more
 */
export function join(errors, more) {
  if (errors.length + more.length > MAX_ERRORS) throw new RangeError("too many schema errors");
  return errors.concat(more);
}

const URI_CHARACTERS = /^(?:[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*$/;
const DATE_TIME = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:[Zz]|[+-]\d\d:?\d\d)$/;
const UUID = /^(?:urn:uuid:)?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** URIs that are none, since last reset: a warning as GitHub has it, never an error (github/codeql-action#1703). */
export const badUris = { count: 0, samples: /** @type {string[]} */ ([]) };

/**
 * @param {boolean} good
 * @param {string} text
 */
function noteUri(good, text) {
  if (!good && badUris.count++ < 5) badUris.samples.push(text.slice(0, 200));
  return true;
}

export const formats = {
  /** @param {string} text */
  uri: (text) => noteUri(/^[A-Za-z][A-Za-z0-9+.-]*:/.test(text) && URI_CHARACTERS.test(text), text),
  /** @param {string} text */
  "uri-reference": (text) => noteUri(URI_CHARACTERS.test(text), text),
  /** @param {string} text */
  "date-time": (text) => DATE_TIME.test(text) && !Number.isNaN(Date.parse(text)),
  /** @param {string} text */
  uuid: (text) => UUID.test(text),
};

/**
 * True if no two items are equal as JSON, in any order of keys. Linear, unlike comparing pairs.
 * @param {readonly unknown[]} items
 */
export function unique(items) {
  if (items.length < 2) return true;
  const seen = new Set();
  for (const item of items) {
    const key = typeof item === "object" && item !== null ? stable(item) : `${typeof item}${String(item)}`;
    if (seen.has(key)) return false;
    seen.add(key);
  }
  return true;
}

/**
 * @param {unknown} value
 * @returns {string}
 */
function stable(value) {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(stable).join(",")}]`;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${stable(inner)}`).join(",")}}`;
}
