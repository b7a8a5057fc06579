// What the parts of this bench share: the bytes that are served, and how times are taken and told.
import { DEFAULT_ENGINE } from "../../src/github/engine.ts";
import { nodeHasher, systemClock, systemRandom } from "../../src/node/ports.ts";

export const ports = { clock: systemClock, hasher: nodeHasher, random: systemRandom };
export const PATH = "/repos/o/r";

/** Issues as GitHub sends them, cut to a size: addresses to rewrite, user text, numbers. */
export function sample(bytes: number): Buffer {
  const one = (i: number): string =>
    `{"id":${i},"url":"https://api.github.com/repos/o/r/issues/${i}","title":"title ${i}","body":"some text of a person, ${i}","user":{"login":"u${i}","url":"https://api.github.com/users/u${i}"}}`;
  let text = one(0);
  for (let i = 1; text.length + 150 < bytes; i++) text += `,${one(i)}`;
  return Buffer.from(`{"total_count":1,"items":[${text}]}`);
}
export const BODY = sample(20_000);

/** No limits of ours: this measures how fast, not how polite. */
export const OPTIONS = {
  ...DEFAULT_ENGINE,
  throttle: { concurrency: 1000, pointsPerMinute: 1e9, writeBurst: 1e9, maxWaitMs: 0 },
};

const quantile = (list: readonly number[], q: number): number =>
  [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * q))] ?? Number.NaN;
export interface Latency {
  readonly p50: number;
  readonly p99: number;
}
const latency = (list: readonly number[]): Latency => ({
  p50: round(quantile(list, 0.5)),
  p99: round(quantile(list, 0.99)),
});
export const round = (n: number): number => Math.round(n * 10_000) / 10_000;

/** Rounds alternate between the contenders, so that a busy moment of the machine hits all. */
export async function alternate(
  contenders: Readonly<Record<string, (i: number) => Promise<number> | number>>,
  perRound: number,
  rounds: number,
): Promise<Record<string, Latency>> {
  const times: Record<string, number[]> = {};
  let i = 0;
  for (let r = -1; r < rounds; r++)
    for (const [name, once] of Object.entries(contenders))
      for (let k = 0; k < perRound; k++) {
        const ms = await once(i++);
        if (r >= 0) (times[name] ??= []).push(ms);
      }
  return Object.fromEntries(Object.entries(times).map(([name, list]) => [name, latency(list)]));
}
