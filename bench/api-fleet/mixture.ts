// The fleet whose reads bench/api-fleet.ts plays: 40 hosts, 20 repositories, four hours of jobs, merge gates, watchers and runner
// controllers. Change rates are assumed. Drawn in the order written, so that a seed is one fleet for ever: seed 1 has
// 62,349 calls to 730 URLs, seed 2 has 60,396 to 738.

export const END_S = 14_400;

export interface Call {
  readonly atS: number;
  /** 0..39, or 40 for the controllers' host. */
  readonly host: number;
  readonly token: number;
  readonly url: number;
}

export interface Mixture {
  readonly calls: readonly Call[];
  readonly urls: readonly string[];
  /** Per URL, ascending: when what is behind it changes. */
  readonly changes: readonly Float64Array[];
}

export function mixture(seed: number, rateFactor = 1): Mixture {
  const rnd = mulberry32(seed);
  const exp = (perHour: number): number => (-Math.log(1 - rnd()) * 3600) / perHour;
  const urls: string[] = [];
  const rates: number[] = [];
  const ids = new Map<string, number>();
  const calls: Call[] = [];
  const call = (atS: number, host: number, token: number, url: string, rate: number): void => {
    if (atS >= END_S) return;
    let id = ids.get(url);
    if (id === undefined) {
      ids.set(url, (id = urls.length));
      urls.push(url);
      rates.push(rate * rateFactor);
    }
    calls.push({ atS, host, token, url: id });
  };
  let run = 0;
  let tokens = 1000;
  for (let i = 0; i < 20; i++) {
    const [q, jobs] = i === 0 ? [12, 60] : i < 5 ? [4, 12] : [1, 5];
    const repo = `/repos/o/r${i}`;
    for (let t = 0; t < END_S; t += exp(q)) {
      run++;
      const pr = Math.floor(rnd() * 30);
      for (let j = 0; j < jobs; j++) {
        const token = tokens++;
        const host = Math.floor(rnd() * 40);
        const s = t + rnd() * 60;
        call(s, host, token, "/repos/actions/node-versions/git/trees/main", 0.15);
        call(s + 1, host, token, "/repos/actions/node-versions/git/blobs/x", 0);
        if (rnd() < 0.6) call(s + 2, host, token, "/repos/astral-sh/uv/releases/latest", 0.01);
        if (rnd() < 0.5) call(s + 2, host, token, repo, 2);
        if (rnd() < 0.5) {
          call(s + 3, host, token, `${repo}/pulls/${pr}`, 6);
          call(s + 3, host, token, `${repo}/pulls/${pr}/files?per_page=100`, 1);
        }
        if (rnd() < 0.2) call(s + 4, host, token, `${repo}/actions/runs/${run}/jobs?per_page=100`, 6 * jobs);
      }
      for (let gate = 0; gate < 2; gate++) {
        const token = tokens++;
        const host = Math.floor(rnd() * 40);
        for (let at = t + 60; at < t + 540; at += 10)
          call(at, host, token, `${repo}/commits/${run}/check-runs?per_page=100`, 6 * jobs);
      }
      if (rnd() < 0.25) {
        const token = tokens++;
        const host = Math.floor(rnd() * 40);
        for (let at = t + 60; at < t + 300; at += 3) {
          call(at, host, token, `${repo}/actions/runs/${run}`, 20);
          call(at, host, token, `${repo}/actions/workflows/7`, 0.01);
          call(at, host, token, `${repo}/actions/runs/${run}/jobs?per_page=100`, 6 * jobs);
        }
      }
    }
  }
  for (let u = 0; u < END_S; u += 30)
    for (let i = 0; i < 20; i++) {
      const rate = i === 0 ? 300 : i < 5 ? 60 : 15;
      const token = Math.floor(u / 3600);
      call(u, 40, token, `/repos/o/r${i}/actions/runs?status=queued&per_page=100`, rate / 3);
      call(u, 40, token, `/repos/o/r${i}/actions/runs?status=in_progress&per_page=100`, rate);
    }
  for (let u = 0; u < END_S; u += 60)
    for (let page = 1; page <= 3; page++)
      call(u, 40, Math.floor(u / 3600), `/orgs/o/actions/runners?per_page=100&page=${page}`, 240);
  calls.sort((a, b) => a.atS - b.atS);
  const changes = rates.map((rate) => {
    const times: number[] = [];
    if (rate > 0) for (let t = exp(rate); t < END_S; t += exp(rate)) times.push(t);
    return Float64Array.from(times);
  });
  return { calls, urls, changes };
}

/** How often a URL has changed by then. */
export function versionAt(changes: Float64Array, atS: number): number {
  let [low, high] = [0, changes.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((changes[middle] ?? 0) <= atS) low = middle + 1;
    else high = middle;
  }
  return low;
}

function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
