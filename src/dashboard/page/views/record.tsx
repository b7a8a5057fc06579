// What a recorded run read: a map by folder and the inputs one by one.
import { useState } from "preact/hooks";
import type { Input, RecordSummary, TreeNode } from "../../record-view.ts";
import { useData } from "../hooks.ts";
import { Card, Waiting } from "../parts/bits.tsx";
import { Search } from "../parts/search.tsx";
import { TreeMap } from "../parts/tree.tsx";
import { bytesText, countText, dateText, longDuration, shortValue } from "../words.ts";

interface Inputs {
  readonly total: number;
  readonly inputs: readonly Input[];
}

/** @param changed keys of inputs that differed, to be marked */
export function RecordView({ digest, changed }: { digest: string; changed: ReadonlySet<string> }) {
  const loaded = useData<RecordSummary>(`api/record?digest=${encodeURIComponent(digest)}`);
  const record = loaded.data;
  if (record === undefined)
    return (
      <Card title="Inputs" wide>
        <Waiting loaded={loaded} what="the record of this run" />
      </Card>
    );
  return (
    <>
      <Card
        title="What the run read"
        wide
        aside={
          <span class="quiet">
            record {digest.slice(7, 15)}, {dateText(record.recordedAt)}, ran {longDuration(record.durationMs)},{" "}
            {countText(record.outputs)} outputs ({bytesText(record.outputBytes)})
          </span>
        }
      >
        <Map digest={digest} />
      </Card>
      <InputTable digest={digest} counts={record.counts} changed={changed} />
    </>
  );
}

function Map({ digest }: { digest: string }) {
  const [under, setUnder] = useState("");
  const loaded = useData<TreeNode>(`api/tree?digest=${encodeURIComponent(digest)}&under=${encodeURIComponent(under)}`);
  const parts = under === "" ? [] : under.split("/");
  return (
    <>
      <nav class="crumbs" aria-label="folder">
        <Crumb name="all inputs" current={under === ""} onClick={() => setUnder("")} />
        {parts.map((part, i) => (
          <Crumb
            key={i}
            name={part}
            current={i === parts.length - 1}
            onClick={() => setUnder(parts.slice(0, i + 1).join("/"))}
          />
        ))}
      </nav>
      {loaded.data === undefined ? (
        <Waiting loaded={loaded} what="the map" />
      ) : (
        <TreeMap tree={loaded.data} onOpen={setUnder} />
      )}
    </>
  );
}

function Crumb({ name, current, onClick }: { name: string; current: boolean; onClick: () => void }) {
  return (
    <button type="button" onClick={onClick} aria-current={current ? "true" : undefined}>
      {name}
    </button>
  );
}

const STEP = 200;

function InputTable({
  digest,
  counts,
  changed,
}: {
  digest: string;
  counts: RecordSummary["counts"];
  changed: ReadonlySet<string>;
}) {
  const [text, setText] = useState("");
  const [kind, setKind] = useState("");
  const [offset, setOffset] = useState(0);
  const parameters = new URLSearchParams({ digest, text, kind, offset: String(offset) });
  const loaded = useData<Inputs>(`api/inputs?${parameters}`);
  const total = loaded.data?.total ?? 0;
  const to = Math.min(total, offset + STEP);
  return (
    <Card title="Inputs, in the order they were first read" wide>
      <div class="filters">
        <div class="segments" role="group" aria-label="kind of input">
          {["", ...Object.keys(counts)].map((each) => (
            <button key={each} type="button" aria-pressed={kind === each} onClick={() => (setKind(each), setOffset(0))}>
              {each === "" ? "all" : each} <small>{countText(each === "" ? sum(counts) : (counts[each] ?? 0))}</small>
            </button>
          ))}
        </div>
        <Search label="Search path or program" value={text} onChange={(value) => (setText(value), setOffset(0))} />
      </div>
      {loaded.data === undefined ? (
        <Waiting loaded={loaded} what="inputs" />
      ) : (
        <div class="scroll" tabIndex={0} role="region" aria-label="inputs">
          <table class="inputs">
            <thead>
              <tr>
                <th scope="col" class="number">
                  #
                </th>
                <th scope="col">kind</th>
                <th scope="col">input</th>
                <th scope="col">answer</th>
                <th scope="col">first asked by</th>
              </tr>
            </thead>
            <tbody>
              {loaded.data.inputs.map((input) => (
                <tr key={input.n} class={changed.has(input.key) ? "changed" : undefined}>
                  <td class="number">{countText(input.n + 1)}</td>
                  <td>{input.kind}</td>
                  <th scope="row">
                    <code>{input.key}</code>
                  </th>
                  <td>
                    <code>{shortValue(input.value)}</code>
                  </td>
                  <td>{input.by}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <div class="pager">
        <button type="button" disabled={offset === 0} onClick={() => setOffset(Math.max(0, offset - STEP))}>
          earlier
        </button>
        <span aria-live="polite">
          {total === 0 ? "no input is like that" : `${countText(offset + 1)}–${countText(to)} of ${countText(total)}`}
        </span>
        <button type="button" disabled={to >= total} onClick={() => setOffset(offset + STEP)}>
          later
        </button>
      </div>
    </Card>
  );
}

function sum(counts: RecordSummary["counts"]): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
