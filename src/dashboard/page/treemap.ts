// Squarified treemap (Bruls, Huizing, van Wijk 2000): rectangles whose areas are the weights, as square as they can be.

export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** @param weights positive, largest first. @returns one rectangle each, filling `area` exactly */
export function squarify(weights: readonly number[], area: Rect): readonly Rect[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (total <= 0 || area.width <= 0 || area.height <= 0) return weights.map(() => ({ ...area, width: 0, height: 0 }));
  const scale = (area.width * area.height) / total;
  const placed: Rect[] = [];
  let { x, y, width, height } = area;
  for (let from = 0; from < weights.length;) {
    const side = Math.min(width, height);
    let to = from + 1;
    let sum = (weights[from] ?? 0) * scale;
    while (to < weights.length) {
      const next = sum + (weights[to] ?? 0) * scale;
      if (worst(weights, from, to + 1, next, side, scale) > worst(weights, from, to, sum, side, scale)) break;
      sum = next;
      to++;
    }
    // The row lies along the shorter side; the last one takes what is left, whatever rounding did.
    const thickness = to === weights.length ? (width >= height ? width : height) : sum / side;
    let along = 0;
    for (let i = from; i < to; i++) {
      const length = i === to - 1 ? side - along : ((weights[i] ?? 0) * scale) / (sum / side);
      placed.push(
        width >= height
          ? { x, y: y + along, width: thickness, height: length }
          : { x: x + along, y, width: length, height: thickness },
      );
      along += length;
    }
    if (width >= height) [x, width] = [x + thickness, width - thickness];
    else [y, height] = [y + thickness, height - thickness];
    from = to;
  }
  return placed;
}

/** The worst ratio of sides in a row. */
function worst(weights: readonly number[], from: number, to: number, sum: number, side: number, scale: number): number {
  const largest = (weights[from] ?? 0) * scale;
  const smallest = (weights[to - 1] ?? 0) * scale;
  return Math.max((side * side * largest) / (sum * sum), (sum * sum) / (side * side * smallest));
}
