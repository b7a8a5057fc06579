import { expect, test } from "vitest";
import type { TraceEvent } from "../../trace/event.ts";
import type { Interpreted, Look } from "../../trace/interpret/interpreted.ts";
import { StepWatch, withoutRunnerFiles } from "./job-trace.ts";

const look = (path: string, kind: Look["kind"] = "file"): Look => ({ kind, path, by: "x", seq: 0 });
const seen = (...looks: Look[]): Interpreted => ({
  looks,
  changes: new Map(),
  gitCalls: [],
  connections: [],
  gaps: [],
  processes: [],
});
const PATHS = {
  temp: "/t",
  commands: "/t/_runner_file_commands",
  event: "/t/_github_workflow/event.json",
  own: "/t/own",
};
const UUID = "0f5c2d4e-1a2b-4c3d-8e9f-0123456789ab";
const kept = (path: string, isNew: boolean): boolean =>
  withoutRunnerFiles(seen(look(path)), PATHS, () => isNew).looks.length === 1;

test("scripts and command files that the runner made meanwhile are no inputs; older ones are", () => {
  for (const path of [`/t/${UUID}.sh`, "/t/_runner_file_commands/set_output_1"])
    expect([kept(path, true), kept(path, false)]).toEqual([false, true]);
});

test("what only looks like it is an input", () => {
  for (const path of [`/t/x/${UUID}.sh`, `/w/${UUID}.sh`, "/t/data.sh", "/t/_runner_file_commands2/x", "/t/ownx"])
    expect([path, kept(path, true)]).toEqual([path, true]);
});

test("the event's payload is a gap for whoever reads it, and nothing for whoever looks whether it is there", () => {
  const read = withoutRunnerFiles(seen(look(PATHS.event)), PATHS, () => false);
  expect([read.looks, read.gaps]).toEqual([[], [{ kind: "event-read", what: "by x" }]]);
  expect(withoutRunnerFiles(seen(look(PATHS.event, "probe")), PATHS, () => false).gaps).toEqual([]);
});

test("only direct children of the runner count as steps that failed", () => {
  const watch = new StepWatch(10);
  const at = { seq: 0, mountNs: 0 };
  const events: TraceEvent[] = [
    { ...at, type: "fork", pid: 10, child: 11 },
    { ...at, type: "fork", pid: 11, child: 12 },
    { ...at, type: "exit", pid: 12, status: 256 },
    { ...at, type: "exit", pid: 11, status: 0 },
  ];
  for (const event of events) watch.onEvent(event);
  expect(watch.gaps()).toEqual([]);
  watch.onEvent({ ...at, type: "fork", pid: 10, child: 13 });
  watch.onEvent({ ...at, type: "exit", pid: 13, status: 256 });
  expect(watch.gaps()).toEqual([{ kind: "step-tolerated", what: "a step" }]);
});
