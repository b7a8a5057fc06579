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
    if (total >= offset && inputs.length < limit) inputs.push({ n, kind: o.kind, key: o.key, value: o.value, by: o.by });
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
  return Object.fromEntries(Object.entries(facts).filter((fact): fact is [string, string | number] => fact[1] !== undefined));
}

interface Growing {
  readonly name: string;
  readonly path: string;
  count: number;
  absent: number;
  readonly below: Map<string, Growing>;
}

/**
 * The two levels below `under`, largest first; what does not fit is summed up as one node without children.
 * @param under path as a node has it; "" is the root
 */
export function treeOf(observations: readonly Observation[], under: string, maxChildren: number): TreeNode {
  const root: Growing = { name: under === "" ? "all inputs" : under, path: under, count: 0, absent: 0, below: new Map() };
  const skip = under === "" ? 0 : under.split("/").length;
  for (const observation of observations) {
    const parts = partsOf(observation);
    if (under !== "" && parts.slice(0, skip).join("/") !== under) continue;
    // One more level than is shown tells a folder from a single input.
    let node = root;
    for (const part of ["", ...parts.slice(skip, skip + 3)]) {
      if (part !== "") node = childOf(node, part);
      node.count++;
      if (observation.kind === "absent") node.absent++;
    }
  }
  return finished(root, 2, maxChildren);
}

function childOf(node: Growing, name: string): Growing {
  let child = node.below.get(name);
  if (child === undefined) {
    child = { name, path: node.path === "" ? name : `${node.path}/${name}`, count: 0, absent: 0, below: new Map() };
    node.below.set(name, child);
  }
  return child;
}

function finished(node: Growing, depth: number, maxChildren: number): TreeNode {
  const sorted = depth === 0 ? [] : [...node.below.values()].sort((a, b) => b.count - a.count);
  const children = sorted.slice(0, maxChildren).map((child) => finished(child, depth - 1, maxChildren));
  const rest = sorted.slice(maxChildren);
  if (rest.length > 0)
    children.push({
      name: `${rest.length} more`,
      path: "",
      count: rest.reduce((sum, child) => sum + child.count, 0),
      absent: rest.reduce((sum, child) => sum + child.absent, 0),
      folder: false,
      children: [],
    });
  return { name: node.name, path: node.path, count: node.count, absent: node.absent, folder: node.below.size > 0, children };
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
