// The store fails at each of its operations in turn, in each way: recording leaves no record that serves wrongly, deciding is a
// scan or the right result, and nothing throws where a job would feel it.
import { expect, test } from "vitest";
import { codeqlLog, ScanLab } from "../testing/scan-lab.ts";
import { faulty, type Fault } from "../testing/faulty.ts";
import { canonicalSarif } from "./sarif/canonical.ts";

const FAULTS: readonly (readonly [string, Fault])[] = [
  ["a full disk", { code: "ENOSPC" }],
  ["a refusal", { code: "EACCES" }],
  ["wrong bytes", "wrong-bytes"],
];

function broken(lab: ScanLab, at: number, fault: Fault): ScanLab {
  return Object.assign(Object.create(ScanLab.prototype) as ScanLab, lab, {
    store: faulty(lab.store, (_, nth) => (nth === at ? fault : undefined)),
  });
}

test.each(FAULTS)(
  "deciding with %s at any operation is a scan with a reason, or the right result",
  async (_, fault) => {
    const lab = new ScanLab();
    lab.commit({ "a.js": "1\n2\n" });
    await lab.scan();
    const decision = await lab.decide();
    if (decision.kind !== "hit") throw new Error("no hit without a fault");
    const good = canonicalSarif(decision.log);
    let scans = 0;
    for (let at = 1; at <= 12; at++) {
      const now = await broken(lab, at, fault).decide();
      expect(now.kind === "hit" ? canonicalSarif(now.log) : good, `operation ${at}`).toBe(good);
      if (now.kind === "scan") scans++;
    }
    expect(scans).toBeGreaterThan(2);
  },
);

test.each(FAULTS.slice(0, 2))(
  "recording with %s at any operation leaves the older record, or the new one, whole",
  async (_, fault) => {
    const reference = new ScanLab();
    reference.commit({ "a.js": "1\n2\n" });
    for (let at = 1; at <= 8; at++) {
      const lab = new ScanLab();
      lab.commit({ "a.js": "1\n2\n" });
      await lab.scan();
      lab.commit({ "a.js": "2\n3\n" });
      await broken(lab, at, fault)
        .scan({}, codeqlLog([["a.js", 2]]))
        .catch(() => undefined);
      const now = await lab.decide();
      const lines =
        now.kind === "hit"
          ? now.log.runs[0]?.results?.map((r) => r.locations?.[0]?.physicalLocation?.region?.startLine)
          : [2];
      expect(lines, `operation ${at}`).toEqual([2]);
      lab.git("checkout", "-q", "HEAD^");
      expect((await lab.decide()).kind, `operation ${at}`).toBe("hit");
    }
  },
);
