// Small pieces that every view uses.
import type { ComponentChildren } from "preact";
import type { ToldDecision } from "../../api.ts";
import type { Loaded } from "../hooks.ts";
import { ago, commandText, dateText, longDuration, reasonText } from "../words.ts";

export function Card({
  title,
  children,
  aside,
  wide,
}: {
  title: string;
  children: ComponentChildren;
  aside?: ComponentChildren;
  wide?: boolean;
}) {
  return (
    <section class={wide === true ? "card wide" : "card"} aria-label={title}>
      <header>
        <h2>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}

export function Verdict({ decision }: { decision: Pick<ToldDecision, "kind" | "audit"> }) {
  if (decision.audit === "false-skip") return <span class="verdict false">false skip</span>;
  if (decision.audit === "same") return <span class="verdict audit">audit</span>;
  return <span class={`verdict ${decision.kind}`}>{decision.kind}</span>;
}

/** What came of it, in one line. */
export function outcomeText(decision: ToldDecision): string {
  if (decision.audit === "false-skip") return "the result differs from the recorded one";
  if (decision.audit === "same") return "ran to check: the same result";
  if (decision.kind === "skip")
    return decision.savedMs === undefined ? "replayed" : `saved ${longDuration(decision.savedMs)}`;
  return decision.missTexts[0] ?? reasonText(decision.reason ?? "unknown");
}

export function DecisionRow({ decision, now }: { decision: ToldDecision; now: number }) {
  return (
    <li class="decision-row">
      <a href={`#/decisions/${decision.id}`}>
        <Verdict decision={decision} />
        <code class="command">{commandText(decision.command)}</code>
        <span class="outcome">{outcomeText(decision)}</span>
        <Time at={decision.at} now={now} />
      </a>
    </li>
  );
}

export function Time({ at, now }: { at: number; now: number }) {
  return (
    <time dateTime={new Date(at).toISOString()} title={dateText(at)}>
      {ago(at, now)}
    </time>
  );
}

/** Says why there is nothing yet, or what to do about it. */
export function Waiting({ loaded, what }: { loaded: Loaded<unknown>; what: string }) {
  if (loaded.state === "loading") return <p class="quiet">Loading {what}…</p>;
  if (loaded.state === "gone") return <p class="quiet">{what} is not in the store any more.</p>;
  return <p class="quiet bad">{loaded.why}; it is asked again when the page changes.</p>;
}

export function Facts({ facts }: { facts: readonly (readonly [string, ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
