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

const HEAD = 18;
const PAD = 2;

export function TreeMap({ tree, onOpen }: TreeMapProps) {
  const [ref, width] = useWidth();
  const height = Math.round(Math.min(560, Math.max(300, width * 0.56)));
  const weights = tree.children.map((child) => child.count);
  const rects = squarify(weights, { x: 0, y: 0, width, height });
  return (
    <div ref={ref} class="treemap" style={{ height: `${height}px` }}>
      {tree.children.map((child, i) => (
        <Area
          key={child.name}
          node={child}
          rect={rects[i] ?? NONE}
          tone={i % 6}
          depth={0}
          onOpen={onOpen}
          whole={tree.count}
        />
      ))}
    </div>
  );
}

const NONE: Rect = { x: 0, y: 0, width: 0, height: 0 };

interface AreaProps {
  readonly node: TreeNode;
  readonly rect: Rect;
  readonly tone: number;
  readonly depth: number;
  readonly onOpen: (path: string) => void;
  readonly whole: number;
}

/** A folder's name and what is in it lie side by side, not one in the other: a button must not hold buttons. */
function Area({ node, rect, tone, depth, onOpen, whole }: AreaProps) {
  if (rect.width < 4 || rect.height < 4) return null;
  const deep = node.children.length > 0 && rect.width > 64 && rect.height > 52;
  const inner = {
    x: rect.x + PAD,
    y: rect.y + HEAD,
    width: rect.width - 2 * PAD - 1,
    height: rect.height - HEAD - PAD - 1,
  };
  const rects = deep
    ? squarify(
        node.children.map((child) => child.count),
        inner,
      )
    : [];
  const title = `${node.name}: ${countText(node.count)} inputs, ${percent(node.count, whole)}`;
  const label = rect.width > 34 && rect.height > 15 && (
    <span class="area-name">
      {node.name} {rect.width > 90 && <span class="area-count">{countText(node.count)}</span>}
    </span>
  );
  const shape = {
    class: `area tone-${tone} depth-${Math.min(depth, 4)}`,
    style: { left: `${rect.x}px`, top: `${rect.y}px`, width: `${rect.width - 1}px`, height: `${rect.height - 1}px` },
    title,
  };
  return (
    <>
      {node.folder && node.path !== "" ? (
        <button type="button" {...shape} aria-label={`open ${title}`} onClick={() => onOpen(node.path)}>
          {label}
        </button>
      ) : (
        <div {...shape}>{label}</div>
      )}
      {deep &&
        node.children.map((child, i) => (
          <Area
            key={child.name}
            node={child}
            rect={rects[i] ?? NONE}
            tone={tone}
            depth={depth + 1}
            onOpen={onOpen}
            whole={whole}
          />
        ))}
    </>
  );
}
