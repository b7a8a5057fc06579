// What skips, what does not, and why: one row a command.
import type { CommandSums } from "../../decision-index.ts";
import { useData } from "../hooks.ts";
import { Card, Time, Verdict, Waiting } from "../parts/bits.tsx";
import { type Column, Table } from "../parts/table.tsx";
import type { ViewProps } from "../view.ts";
import { commandText, countText, longDuration, percent, reasonText } from "../words.ts";

export function Commands({ summary, now }: ViewProps) {
  const loaded = useData<readonly CommandSums[]>("api/commands", summary.decisions);
  const columns: readonly Column<CommandSums>[] = [
    {
      name: "command",
      cell: (c) => (
        <a href={`#/decisions?text=${encodeURIComponent(c.command.join(" "))}`}>
          <code>{commandText(c.command)}</code>
        </a>
      ),
      head: true,
    },
    { name: "where", cell: (c) => <code title={c.workspace}>{c.job ?? placeText(c)}</code> },
    {
      name: "skipped",
      number: true,
      cell: (c) => percent(c.skips, c.skips + c.runs),
      sort: (c) => c.skips / (c.skips + c.runs),
    },
    { name: "decisions", number: true, cell: (c) => countText(c.skips + c.runs), sort: (c) => c.skips + c.runs },
    { name: "saved", number: true, cell: (c) => longDuration(c.savedMs), sort: (c) => c.savedMs },
    { name: "ran most because", cell: (c) => topReason(c) },
    {
      name: "last",
      cell: (c) => (
        <span class="nowrap">
          <a href={`#/decisions/${c.lastId}`}>
            <Verdict decision={{ kind: c.lastKind }} />
          </a>{" "}
          <Time at={c.lastAt} now={now} />
        </span>
      ),
      sort: (c) => c.lastAt,
    },
  ];
  return (
    <Card title="Commands" wide aside={<span class="quiet">what skips, what does not, and why</span>}>
      {loaded.data === undefined ? (
        <Waiting loaded={loaded} what="commands" />
      ) : (
        <Table
          name="commands"
          rows={loaded.data}
          columns={columns}
          rowKey={(c) => c.key}
          empty="No command was decided yet."
        />
      )}
    </Card>
  );
}

/** The repository's folder and where in it: the whole path is in the title. */
function placeText({ workspace, cwd }: CommandSums): string {
  const name = workspace.slice(workspace.lastIndexOf("/") + 1);
  return cwd === "." ? name : `${name}/${cwd}`;
}

function topReason({ reasons }: CommandSums): string {
  const [top] = Object.entries(reasons).sort((a, b) => b[1] - a[1]);
  return top === undefined ? "–" : `${reasonText(top[0])} (${countText(top[1])})`;
}
