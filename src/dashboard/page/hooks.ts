// Data, route and size as hooks.
import { useEffect, useRef, useState } from "preact/hooks";
import { getJson, Refused } from "./client.ts";

export interface Loaded<T> {
  /** The last answer; kept while a newer one is on its way, so that nothing flickers. */
  readonly data: T | undefined;
  readonly state: "loading" | "there" | "gone" | "failed";
  readonly why?: string;
}

/** @param version a new one asks again; the path alone otherwise decides */
export function useData<T>(path: string, version: number | string = 0): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T> & { path: string }>({ data: undefined, state: "loading", path });
  useEffect(() => {
    const control = new AbortController();
    getJson<T>(path, control.signal).then(
      (data) => setLoaded({ data, state: data === undefined ? "gone" : "there", path }),
      (error: unknown) => {
        if (control.signal.aborted) return;
        const why = error instanceof Refused ? error.message : "the agent does not answer";
        setLoaded((before) => ({ data: before.path === path ? before.data : undefined, state: "failed", why, path }));
      },
    );
    return () => control.abort();
  }, [path, version]);
  return loaded.path === path ? loaded : { data: undefined, state: "loading" };
}

export interface Route {
  /** "decisions" of "#/decisions/12?kind=run". */
  readonly view: string;
  readonly rest: string;
  readonly query: URLSearchParams;
}

export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [view = "", ...rest] = path.split("/");
  return {
    view: view === "" ? "overview" : view,
    rest: rest.map(decodeURIComponent).join("/"),
    query: new URLSearchParams(query),
  };
}

export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const changed = (): void => setHash(location.hash);
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return parseRoute(hash);
}

/** Width of an element in CSS pixels, for drawings that must not be stretched. */
export function useWidth(): readonly [{ current: HTMLDivElement | null }, number] {
  const ref = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}
