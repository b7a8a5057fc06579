// All decisions, newest first, and one of them down to the single input.
import { useState } from "preact/hooks";
import type { ToldDecision } from "../../api.ts";
import { getJson } from "../client.ts";
import { useData } from "../hooks.ts";
import { Card, DecisionRow, Facts, outcomeText, Time, Verdict, Waiting } from "../parts/bits.tsx";
import { Search } from "../parts/search.tsx";
import { type ViewProps, withParameter } from "../view.ts";
import { commandText, countText, dateText, durationText, longDuration, reasonText, shortValue } from "../words.ts";
import { RecordView } from "./record.tsx";

interface Page {
  readonly decisions: readonly ToldDecision[];
  readonly next: string | null;
}

const KINDS = [
  ["", "all"],
  ["skip", "skipped"],
  ["run", "run"],
  ["audit", "audits"],
] as const;

export function Decisions(props: ViewProps) {
  return props.route.rest === "" ? <List {...props} /> : <Detail {...props} />;
}

function List({ route, summary, now }: ViewProps) {
  const [kind, reason, text] = ["kind", "reason", "text"].map((name) => route.query.get(name) ?? "");
  const path = `api/decisions?${new URLSearchParams({ kind: kind ?? "", reason: reason ?? "", text: text ?? "" })}`;
  const first = useData<Page>(path, summary.decisions);
  const [older, setOlder] = useState<{ path: string; pages: readonly Page[] }>({ path, pages: [] });
  const pages = [...(first.data === undefined ? [] : [first.data]), ...(older.path === path ? older.pages : [])];
  const seen = new Set<string>();
  const decisions = pages.flatMap((page) => page.decisions).filter((d) => !seen.has(d.id) && seen.add(d.id));
  const next = pages.at(-1)?.next ?? null;
  const more = async (): Promise<void> => {
    const page = await getJson<Page>(`${path}&before=${next ?? ""}`, AbortSignal.timeout(20_000));
    if (page !== undefined)
      setOlder((before) => ({ path, pages: [...(before.path === path ? before.pages : []), page] }));
  };
  return (
    <Card title="Decisions" wide aside={<span class="quiet">{countText(summary.decisions)} in the log</span>}>
      <div class="filters">
        <div class="segments" role="group" aria-label="kind of decision">
          {KINDS.map(([value, label]) => (
            <a
              key={value}
              href={withParameter(route, "kind", value)}
              aria-current={kind === value ? "true" : undefined}
            >
              {label}
            </a>
          ))}
        </div>
        <Search
          label="Search command, job or folder"
          value={text ?? ""}
          onChange={(value) => location.replace(withParameter(route, "text", value))}
        />
        {reason !== "" && (
          <a
            class="chip"
            href={withParameter(route, "reason", "")}
            aria-label={`remove the filter: ${reasonText(reason ?? "")}`}
          >
            {reasonText(reason ?? "")} <span aria-hidden="true">×</span>
          </a>
        )}
      </div>
      {first.data === undefined ? (
        <Waiting loaded={first} what="decisions" />
      ) : (
        <ul class="rows">
          {decisions.map((decision) => (
            <DecisionRow key={decision.id} decision={decision} now={now} />
          ))}
        </ul>
      )}
      {first.data !== undefined && decisions.length === 0 && next === null && (
        <p class="quiet">No decision is like that.</p>
      )}
      {next !== null && (
        <button type="button" class="more" onClick={() => void more()}>
          {decisions.length === 0 ? "nothing in the newest; look further back" : "older decisions"}
        </button>
      )}
    </Card>
  );
}

function Detail({ route, now }: ViewProps) {
  const loaded = useData<ToldDecision>(`api/decision/${encodeURIComponent(route.rest)}`);
  const decision = loaded.data;
  if (decision === undefined)
    return (
      <Card title="Decision" wide>
        <Waiting loaded={loaded} what="this decision" />
      </Card>
    );
  const compared = Object.entries(decision.compared);
  const total = compared.reduce((sum, [, count]) => sum + count, 0);
  const record = decision.kind === "skip" ? decision.record : (decision.recorded ?? decision.record);
  return (
    <>
      <Card title={commandText(decision.command)} wide aside={<a href="#/decisions">all decisions</a>}>
        <p class="lead">
          <Verdict decision={decision} /> {outcomeText(decision)}
        </p>
        <Facts
          facts={[
            ["when", <Time at={decision.at} now={now} />],
            [
              "where",
              <code>{decision.cwd === "." ? decision.workspace : `${decision.workspace}/${decision.cwd}`}</code>,
            ],
            ...(decision.job === undefined ? [] : ([["job", decision.job]] as const)),
            ["decided in", durationText(decision.decideMs)],
            ...(decision.runMs === undefined ? [] : ([["ran for", durationText(decision.runMs)]] as const)),
            ...(decision.savedMs === undefined ? [] : ([["saved", longDuration(decision.savedMs)]] as const)),
            ...(decision.basis === undefined
              ? []
              : ([
                  ["because of", decision.basis === "trace" ? "every observation holds" : "the very same tree"],
                ] as const)),
            [
              "compared",
              total === 0
                ? "nothing"
                : `${countText(total)} observations (${compared.map(([kind, count]) => `${countText(count)} ${kind}`).join(", ")})`,
            ],
            ["opt-outs", decision.optOuts.length === 0 ? "none" : decision.optOuts.join(", ")],
            ...(decision.proof === undefined ? [] : ([["proved", proofText(decision.proof)]] as const)),
          ]}
        />
      </Card>
      {decision.misses.length > 0 && (
        <Card
          title={`Why it ran: ${countText(decision.missCount)} ${decision.missCount === 1 ? "reason" : "reasons"}`}
          wide
        >
          <ol class="misses">
            {decision.misses.map((miss, i) => (
              <li key={i}>
                <span>{decision.missTexts[i]}</span>
                {miss.kind === "changed" && (
                  <code class="change">
                    {miss.question.kind} {shortValue(miss.was)} → {shortValue(miss.now)}
                  </code>
                )}
              </li>
            ))}
          </ol>
          {decision.missCount > decision.misses.length && (
            <p class="quiet">
              and {countText(decision.missCount - decision.misses.length)} more: <code>foregone explain --last</code>
            </p>
          )}
        </Card>
      )}
      {decision.gaps.length > 0 && (
        <Card title="What was not seen" wide>
          <ul class="misses">
            {decision.gaps.map((gap, i) => (
              <li key={i}>
                <span>{gap.kind}</span> <code class="change">{JSON.stringify({ ...gap, kind: undefined })}</code>
              </li>
            ))}
          </ul>
        </Card>
      )}
      {record === undefined ? (
        <Card title="Inputs" wide>
          <p class="quiet">Nothing was recorded, so there are no inputs to show.</p>
        </Card>
      ) : (
        <RecordView
          digest={record}
          changed={new Set(decision.misses.flatMap((m) => (m.kind === "changed" ? [m.question.key] : [])))}
        />
      )}
    </>
  );
}

function proofText(proof: NonNullable<ToldDecision["proof"]>): string {
  const run = proof.runId === undefined ? "a run on this machine" : `run ${proof.runId}`;
  const commit = proof.commit === undefined ? "" : ` at ${proof.commit.slice(0, 8)}`;
  return `by ${run}${commit}, ${dateText(proof.recordedAt)}`;
}
