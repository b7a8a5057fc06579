// A table that sorts by a click on its head, scrolls by itself when it is wide, and becomes cards on a phone.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

export interface Column<T> {
  readonly name: string;
  readonly cell: (row: T) => ComponentChildren;
  readonly number?: boolean;
  /** The cell that names its row. */
  readonly head?: boolean;
  readonly sort?: (row: T) => number;
}

interface TableProps<T> {
  readonly name: string;
  readonly rows: readonly T[];
  readonly columns: readonly Column<T>[];
  readonly rowKey: (row: T) => string;
  readonly empty: string;
}

export function Table<T>({ name, rows, columns, rowKey, empty }: TableProps<T>) {
  const [sorted, setSorted] = useState<{ column: string; down: boolean } | undefined>(undefined);
  if (rows.length === 0) return <p class="quiet">{empty}</p>;
  const by = columns.find((c) => c.name === sorted?.column)?.sort;
  const shown =
    by === undefined ? rows : rows.toSorted((a, b) => (sorted?.down === true ? by(b) - by(a) : by(a) - by(b)));
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={`${name}, as a table`}>
      <table class="cards">
        <thead>
          <tr>
            {columns.map((column) => (
              <th
                key={column.name}
                scope="col"
                class={column.number === true ? "number" : undefined}
                aria-sort={orderOf(column.name, sorted)}
              >
                {column.sort === undefined ? (
                  column.name
                ) : (
                  <button
                    type="button"
                    onClick={() =>
                      setSorted({ column: column.name, down: sorted?.column !== column.name || !sorted.down })
                    }
                  >
                    {column.name}
                  </button>
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <tr key={rowKey(row)}>
              {columns.map((column) =>
                column.head === true ? (
                  <th key={column.name} scope="row" data-label={column.name}>
                    {column.cell(row)}
                  </th>
                ) : (
                  <td key={column.name} class={column.number === true ? "number" : undefined} data-label={column.name}>
                    {column.cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function orderOf(
  name: string,
  sorted: { column: string; down: boolean } | undefined,
): "ascending" | "descending" | undefined {
  if (sorted?.column !== name) return undefined;
  return sorted.down ? "descending" : "ascending";
}
