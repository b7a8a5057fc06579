// The page: header, one view, live numbers. Everything it shows comes from this agent's port.
import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Summary, ToldDecision } from "../api.ts";
import { type Connection, follow, getJson, takeToken } from "./client.ts";
import { useRoute } from "./hooks.ts";
import type { ViewProps } from "./view.ts";
import { Decisions } from "./views/decisions.tsx";
import { Agent } from "./views/agent.tsx";
import { Api } from "./views/api.tsx";
import { Commands } from "./views/commands.tsx";
import { Credentials } from "./views/credentials.tsx";
import { Peers } from "./views/peers.tsx";
import { Scans } from "./views/scans.tsx";
import { Overview } from "./views/overview.tsx";

const VIEWS: readonly (readonly [name: string, label: string, view: (props: ViewProps) => preact.ComponentChildren])[] =
  [
    ["overview", "Overview", Overview],
    ["decisions", "Decisions", Decisions],
    ["commands", "Commands", Commands],
    ["api", "GitHub API", Api],
    ["scans", "Scans", Scans],
    ["peers", "Peers", Peers],
    ["credentials", "Credentials", Credentials],
    ["agent", "Agent", Agent],
  ];
const RANGES = [
  [1, "1 h"],
  [24, "24 h"],
  [168, "7 d"],
  [720, "30 d"],
] as const;
const RECENT = 20;

function App() {
  const [summary, setSummary] = useState<Summary | undefined>(undefined);
  const [recent, setRecent] = useState<readonly ToldDecision[]>([]);
  const [connection, setConnection] = useState<Connection>("lost");
  const [hours, setHours] = useState(Number(localStorage.getItem("hours") ?? 24));
  const [now, setNow] = useState(Date.now());
  const route = useRoute();
  const main = useRef<HTMLElement>(null);

  useEffect(() => {
    const control = new AbortController();
    getJson<{ decisions: readonly ToldDecision[] }>("api/decisions", control.signal).then(
      (page) => setRecent(page?.decisions.slice(0, RECENT) ?? []),
      () => undefined,
    );
    void follow(
      control.signal,
      (tick) => {
        setSummary(tick.summary);
        if (tick.decisions.length > 0)
          setRecent((before) => {
            const fresh = tick.decisions.toReversed().filter((d) => before.every((b) => b.id !== d.id));
            return [...fresh, ...before].slice(0, RECENT);
          });
      },
      setConnection,
    );
    const clock = setInterval(() => setNow(Date.now()), 10_000);
    return () => {
      control.abort();
      clearInterval(clock);
    };
  }, []);

  useEffect(() => {
    const [, label] = VIEWS.find(([name]) => name === route.view) ?? [];
    document.title = label === undefined ? "Foregone" : `${label} · Foregone`;
    scrollTo(0, 0);
  }, [route.view, route.rest]);
  useKeys();

  if (connection === "refused") return <Locked />;
  // `dashboard.history` may be shorter than what was chosen before.
  const ranges = RANGES.filter(([value]) => value <= 24 || value <= (summary?.historyHours ?? 0));
  const shown = ranges.some(([value]) => value === hours) ? hours : 24;
  const View = VIEWS.find(([name]) => name === route.view)?.[2] ?? Overview;
  return (
    <>
      <a class="skip-link" href="#main" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        Skip to the content
      </a>
      <header class="top">
        <a class="brand" href="#/" aria-label="Foregone, overview">
          <svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
            <rect width="32" height="32" rx="8" />
            <path d="M8 9l7 7-7 7M17 9l7 7-7 7" />
          </svg>
          Foregone
        </a>
        <nav aria-label="views">
          {VIEWS.map(([name, label], i) => (
            <a
              key={name}
              href={name === "overview" ? "#/" : `#/${name}`}
              aria-current={route.view === name ? "page" : undefined}
              title={`key ${i + 1}`}
            >
              {label}
            </a>
          ))}
        </nav>
        <div class="tools">
          <label class="range">
            <span class="hidden">time shown</span>
            <select
              value={shown}
              onChange={(event) => {
                const chosen = Number(event.currentTarget.value);
                localStorage.setItem("hours", String(chosen));
                setHours(chosen);
              }}
            >
              {ranges.map(([value, label]) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </select>
          </label>
          <ThemeButton />
          <span class={`connection ${connection}`} role="status">
            {connection === "live" ? "live" : "connecting"}
          </span>
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        <h1 class="hidden">{VIEWS.find(([name]) => name === route.view)?.[1] ?? "Overview"}</h1>
        {summary === undefined ? (
          <p class="loading">Connecting to the agent…</p>
        ) : (
          <View {...{ summary, recent, hours: shown, now, route }} />
        )}
      </main>
      <footer>
        Foregone {summary?.version ?? ""} · <kbd>1</kbd>–<kbd>8</kbd> views, <kbd>/</kbd> search, <kbd>j</kbd>{" "}
        <kbd>k</kbd> through a list
      </footer>
    </>
  );
}

function Locked() {
  return (
    <main class="locked">
      <h1>This page is locked</h1>
      <p>It shows what your jobs read, so it needs a key that only you can have. In a terminal:</p>
      <pre>foregone dashboard</pre>
      <p>opens it with its key. The key is in the address after #, which no server sees, and is gone with this tab.</p>
    </main>
  );
}

const THEMES = ["auto", "light", "dark"] as const;

function ThemeButton() {
  const [theme, setTheme] = useState(localStorage.getItem("theme") ?? "auto");
  useEffect(() => {
    document.documentElement.dataset["theme"] = theme;
    localStorage.setItem("theme", theme);
  }, [theme]);
  const next = THEMES[(THEMES.indexOf(theme as (typeof THEMES)[number]) + 1) % THEMES.length] ?? "auto";
  return (
    <button
      type="button"
      class="theme"
      onClick={() => setTheme(next)}
      aria-label={`colours: ${theme}; change to ${next}`}
      title={`colours: ${theme}`}
    >
      <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true">
        <circle cx="10" cy="10" r="7.2" fill="none" stroke="currentColor" stroke-width="1.6" />
        <path
          d={
            theme === "light"
              ? ""
              : theme === "dark"
                ? "M10 2.8a7.2 7.2 0 010 14.4a7.2 7.2 0 010-14.4z"
                : "M10 2.8a7.2 7.2 0 010 14.4z"
          }
          fill="currentColor"
        />
      </svg>
    </button>
  );
}

/** Keys that no form field needs: digits change the view, "/" searches, j and k walk through links of a list. */
function useKeys(): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement;
      if (event.ctrlKey || event.metaKey || event.altKey || /^(?:INPUT|SELECT|TEXTAREA)$/.test(target.tagName)) return;
      const view = VIEWS[Number(event.key) - 1];
      if (view !== undefined) location.hash = `#/${view[0]}`;
      else if (event.key === "/") document.querySelector<HTMLInputElement>("input.search")?.focus();
      else if (event.key === "j" || event.key === "k") step(event.key === "j" ? 1 : -1);
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
}

function step(by: 1 | -1): void {
  const links = [...document.querySelectorAll<HTMLElement>(".rows a, table th[scope=row] a")];
  const at = links.indexOf(document.activeElement as HTMLElement);
  links[at === -1 ? 0 : at + by]?.focus();
}

takeToken();
const root = document.getElementById("app");
if (root !== null) {
  root.replaceChildren();
  render(<App />, root);
}
