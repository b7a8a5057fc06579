// A record as the dashboard shows it: which run proved it, its inputs page by page, and a map of what the run read.
import type { ActionRecord } from "../core/record.ts";
import type { Observation } from "../core/observation.ts";

export interface RecordSummary {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly recordedAt: number;
  readonly durationMs: number;
  readonly tool: string;
  readonly proof: Readonly<Record<string, string | number>>;
  readonly counts: Readonly<Record<string, number>>;
  readonly gaps: readonly { readonly kind: string; readonly detail: string }[];
  readonly outputs: number;
  readonly outputBytes: number;
  readonly optOuts: readonly string[];
}

export interface Input {
  /** Position in first-read order. */
  readonly n: number;
  readonly kind: string;
  readonly key: string;
  readonly value: string;
  readonly by: string;
}

export interface TreeNode {
  readonly name: string;
  /** Path from the root of the map, "/"-separated; opens this node. */
  readonly path: string;
  /** Inputs at and below it. */
  readonly count: number;
  /** How many of them are asked-for and absent. */
  readonly absent: number;
  /** False: a single input. */
  readonly folder: boolean;
  readonly children: readonly TreeNode[];
}

/** @param maxLimit the page's own bound; a request cannot ask for more */
export function inputsOf(
  observations: readonly Observation[],
  { text, kind, offset, limit }: { text: string; kind: string; offset: number; limit: number },
): { readonly total: number; readonly inputs: readonly Input[] } {
  const wanted = text.toLowerCase();
  const inputs: Input[] = [];
  let total = 0;
  for (const [n, o] of observations.entries()) {
    if (kind !== "" && o.kind !== kind) continue;
    if (wanted !== "" && !o.key.toLowerCase().includes(wanted) && !o.by.toLowerCase().includes(wanted)) continue;
    if (total >= offset && inputs.length < limit)
      inputs.push({ n, kind: o.kind, key: o.key, value: o.value, by: o.by });
    total++;
  }
  return { total, inputs };
}

export function countsOf(observations: readonly Observation[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { kind } of observations) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

export function proofOf({ provenance }: ActionRecord): Readonly<Record<string, string | number>> {
  const { repository, workflow, job, runId, runAttempt, commit, tree, event, ref } = provenance;
  const facts = { repository, workflow, job, runId, runAttempt, commit, tree, event, ref };
  return Object.fromEntries(
    Object.entries(facts).filter((fact): fact is [string, string | number] => fact[1] !== undefined),
  );
}

interface Growing {
  readonly name: string;
  readonly path: string;
  count: number;
  absent: number;
  readonly below: Map<string, Growing>;
}

/** Levels below the opened folder that are looked at; deeper ones are opened one after the other. */
const MAX_DEPTH = 8;
/** Children of one folder that are told apart; the others are one node "37 more". */
const MAX_CHILDREN = 24;

/**
 * What lies below `under`: the largest folders are opened first, until there are about `maxNodes` nodes. So a map shows
 * most detail where most inputs are, whatever the shape of the tree.
 * @param under path as a node has it; "" is the root
 */
export function treeOf(observations: readonly Observation[], under: string, maxNodes: number): TreeNode {
  const root: Growing = {
    name: under === "" ? "all inputs" : under,
    path: under,
    count: 0,
    absent: 0,
    below: new Map(),
  };
  const skip = under === "" ? 0 : under.split("/").length;
  for (const observation of observations) {
    const parts = partsOf(observation);
    if (under !== "" && parts.slice(0, skip).join("/") !== under) continue;
    let node = root;
    count(node, observation);
    for (const part of parts.slice(skip, skip + MAX_DEPTH)) {
      node = childOf(node, part);
      count(node, observation);
    }
  }
  const opened = new Set<Growing>([root]);
  const waiting = largest(root);
  for (let nodes = waiting.length; nodes < maxNodes;) {
    let at = 0;
    for (let i = 1; i < waiting.length; i++) if ((waiting[i]?.count ?? 0) > (waiting[at]?.count ?? 0)) at = i;
    const [next] = waiting.splice(at, 1);
    if (next === undefined) break;
    opened.add(next);
    const children = largest(next);
    nodes += children.length;
    waiting.push(...children);
  }
  return finished(root, opened);
}

function count(node: Growing, { kind }: Observation): void {
  node.count++;
  if (kind === "absent") node.absent++;
}

function childOf(node: Growing, name: string): Growing {
  let child = node.below.get(name);
  if (child === undefined) {
    child = { name, path: node.path === "" ? name : `${node.path}/${name}`, count: 0, absent: 0, below: new Map() };
    node.below.set(name, child);
  }
  return child;
}

function largest(node: Growing): Growing[] {
  return [...node.below.values()].sort((a, b) => b.count - a.count).slice(0, MAX_CHILDREN);
}

function finished(node: Growing, opened: ReadonlySet<Growing>): TreeNode {
  const shown = opened.has(node) ? largest(node) : [];
  // A chain of folders with nothing beside them is one node: `usr/lib/python3`.
  const [only] = shown;
  if (
    shown.length === 1 &&
    only !== undefined &&
    only.count === node.count &&
    only.below.size > 0 &&
    node.path.includes("/")
  ) {
    const inner = finished(only, opened);
    return { ...inner, name: `${node.name}/${inner.name}` };
  }
  const children = shown.map((child) => finished(child, opened));
  const hidden = node.below.size - shown.length;
  const rest = node.count - shown.reduce((sum, child) => sum + child.count, 0);
  if (shown.length > 0 && hidden > 0 && rest > 0)
    children.push({ name: `${hidden} more`, path: "", count: rest, absent: 0, folder: false, children: [] });
  return {
    name: node.name,
    path: node.path,
    count: node.count,
    absent: node.absent,
    folder: node.below.size > 0,
    children,
  };
}

/** Workspace paths, named roots and the system lie side by side at the top; variables and queries have folders of their own. */
function partsOf({ kind, key }: Observation): readonly string[] {
  switch (kind) {
    case "env":
      return ["environment", key];
    case "git":
      return ["git queries", key];
    case "http":
      return ["network", key];
    default: {
      if (key.startsWith("/")) return ["system", ...key.split("/").filter((part) => part !== "")];
      const parts = key.split("/").filter((part) => part !== "" && part !== ".");
      return key.startsWith("$") ? parts : ["workspace", ...parts];
    }
  }
}
