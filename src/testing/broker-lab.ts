// A broker in this process over a real store, socket and issuer.
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type Broker, type BrokerOptions, startBroker } from "../secrets/broker.ts";
import type { NewVersion } from "../secrets/changes.ts";
import { keySetOf } from "../secrets/jwks.ts";
import { type Issuer, startIssuer } from "./oidc-issuer.ts";
import { labContext } from "./secrets-lab.ts";
import { labStore } from "./secrets-store.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export const AUDIENCE = "foregone-secrets:runner-7";

export interface BrokerLab {
  readonly folder: string;
  readonly issuer: Issuer;
  readonly broker: Broker;
  readonly options: BrokerOptions;
  /** Stops the broker and starts another over the same store. */
  restart(): Promise<void>;
}

export async function brokerLab(
  versions: readonly NewVersion[],
  more: (options: BrokerOptions) => Partial<BrokerOptions> = () => ({}),
): Promise<BrokerLab> {
  const folder = await labStore(...versions);
  const issuer = await startIssuer({ audience: AUDIENCE });
  const base: BrokerOptions = {
    session: labContext(folder),
    socket: join(temporaryFolder(), "broker.sock"),
    token: { issuer: issuer.url, audience: AUDIENCE, maxAge: 600, tolerance: 5 },
    fetchKeySet: keySetOf(issuer.url),
    rules: {
      denyEvents: ["pull_request_target", "workflow_run", "issue_comment"],
      allowToken: false,
      runner: { id: "runner-7", labels: ["gpu"] },
    },
    put: { allow: new Map(), maxTtl: 86_400, purgeAfter: 30 * 86_400 },
    checkpoints: { every: 100, interval: 600, folders: [] },
    api: "http://127.0.0.1:9",
  };
  const options = { ...base, ...more(base) };
  let broker = await startBroker(options);
  onTestFinished(async () => {
    await broker.close();
    await issuer.close();
  });
  return {
    folder,
    issuer,
    options,
    get broker() {
      return broker;
    },
    async restart() {
      await broker.close();
      broker = await startBroker(options);
    },
  };
}
