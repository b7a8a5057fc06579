// What a run read, as areas. Folders open; every area is a button with its name and count, and the list beside the map says
// the same without areas.
import type { TreeNode } from "../../record-view.ts";
import { useWidth } from "../hooks.ts";
import { type Rect, squarify } from "../treemap.ts";
import { countText, percent } from "../words.ts";

interface TreeMapProps {
  readonly tree: TreeNode;
  readonly onOpen: (path: string) => void;
}

const HEAD = 20;
const PAD = 2;

export function TreeMap({ tree, onOpen }: TreeMapProps) {
  const [ref, width] = useWidth();
  const height = Math.round(Math.min(520, Math.max(280, width * 0.56)));
  const outer = squarify(
    tree.children.map((child) => child.count),
    { x: 0, y: 0, width, height },
  );
  return (
    <div ref={ref} class="treemap" style={{ height: `${height}px` }}>
      {tree.children.map((child, i) => (
        <Area key={child.name} node={child} rect={outer[i] ?? NONE} tone={i % 6} onOpen={onOpen} whole={tree.count} />
      ))}
    </div>
  );
}

const NONE: Rect = { x: 0, y: 0, width: 0, height: 0 };

function Area({ node, rect, tone, onOpen, whole }: { node: TreeNode; rect: Rect; tone: number; onOpen: (path: string) => void; whole: number }) {
  if (rect.width < 3 || rect.height < 3) return null;
  const named = rect.width > 46 && rect.height > HEAD;
  const inner: Rect = { x: PAD, y: HEAD, width: rect.width - 2 * PAD - 2, height: rect.height - HEAD - PAD - 2 };
  const deep = rect.width > 90 && rect.height > 70 ? node.children : [];
  const rects = squarify(
    deep.map((child) => child.count),
    inner,
  );
  const title = `${node.name}: ${countText(node.count)} inputs, ${percent(node.count, whole)}`;
  const style = { left: `${rect.x}px`, top: `${rect.y}px`, width: `${rect.width - 2}px`, height: `${rect.height - 2}px` };
  const content = (
    <>
      {named && (
        <span class="area-name">
          {node.name} <span class="area-count">{countText(node.count)}</span>
        </span>
      )}
      {deep.map((child, i) => (
        <Leaf key={child.name} node={child} rect={rects[i] ?? NONE} />
      ))}
    </>
  );
  if (!node.folder || node.path === "")
    return (
      <div class={`area tone-${tone}`} style={style} title={title}>
        {content}
      </div>
    );
  return (
    <button type="button" class={`area tone-${tone}`} style={style} title={title} aria-label={`open ${title}`} onClick={() => onOpen(node.path)}>
      {content}
    </button>
  );
}

function Leaf({ node, rect }: { node: TreeNode; rect: Rect }) {
  if (rect.width < 4 || rect.height < 4) return null;
  return (
    <span
      class="leaf"
      title={`${node.path}: ${countText(node.count)}`}
      style={{ left: `${rect.x}px`, top: `${rect.y}px`, width: `${rect.width - 1}px`, height: `${rect.height - 1}px` }}
    >
      {rect.width > 40 && rect.height > 15 && node.name}
    </span>
  );
}
