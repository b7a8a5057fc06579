import { expect, test } from "vitest";
import { type Credential, credentialStates, panelOf } from "./credentials-panel.ts";

const NOW_MS = 1_000_000;
const version = (more: Partial<Credential>): Credential => ({
  name: "T",
  version: 1,
  credentialId: "a",
  scope: "global",
  notBefore: 0,
  notAfter: null,
  ...more,
});

test("a credential with an expired and a valid version is active, one with only expired ones is expired", () => {
  const states = credentialStates(
    [
      version({ notAfter: 999 }),
      version({ version: 2 }),
      version({ credentialId: "b", notAfter: 1000 }),
      version({ credentialId: "c", notBefore: 1001 }),
    ],
    NOW_MS,
  );
  expect(states).toEqual({ 'foregone_credentials{state="active"}': 1, 'foregone_credentials{state="expired"}': 1 });
});

test("a version is valid before the second it ends in, and not in it", () => {
  const states = [999, 1000, 1001].map(
    (notAfter) => panelOf({ credentials: [version({ notAfter })], audit: [] }, NOW_MS).credentials[0]?.state,
  );
  expect(states).toEqual(["expired", "expired", "active"]);
});
