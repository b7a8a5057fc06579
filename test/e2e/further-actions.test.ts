// The further actions, by nektos/act: what each gives reaches the steps after it, and its post step ends it. By doubles of the runner:
// test/inject-credentials.test.ts, test/github-cache-action.test.ts, test/codeql-action.test.ts.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test, type TestContext } from "vitest";
import { ActRunner, findAct, NO_ACT } from "../../src/testing/act.ts";
import { brokerLab } from "../../src/testing/broker-lab.ts";
import { CacheJob } from "../../src/testing/cache-job.ts";
import { fillForClients } from "../../src/testing/clients.ts";
import { NO_NODE24, node24 } from "../../src/testing/node24.ts";
import { processesOf } from "../../src/testing/processes.ts";
import { RECORDED, SCANNED } from "../../src/testing/scan-runner.ts";
import { newVersion } from "../../src/testing/secrets-lab.ts";

const act = findAct();
const DEFAULTS = "_actions/github/codeql-action/abc123/src";

function runner(context: TestContext, steps: string, permissions = "contents: read"): ActRunner {
  // The bundles are for Node 24, which the clone installs, and act is installed by .ci/run: where a registry cannot be reached, neither is there.
  if (node24() === undefined) return context.skip(NO_NODE24);
  if (act === undefined) return context.skip(NO_ACT);
  const machine = new ActRunner(act);
  machine.write(
    ".github/workflows/ci.yml",
    `name: CI\non: push\npermissions: { ${permissions} }\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v5\n${steps.replace(/^(?=.)/gm, "      ")}`,
  );
  machine.commit();
  return machine;
}

test("inject-credentials: a later step has the credential, no log has it", { timeout: 60_000 }, async (context) => {
  const lab = await brokerLab([newVersion("TOKEN", "value-of-the-token")]);
  const machine = runner(
    context,
    `- uses: acme/foregone/actions/inject-credentials@v1
  id: inject
  with: { credential-names: TOKEN, mode: env }
- run: 'test "$TOKEN" = value-of-the-token; echo "\${#TOKEN} bytes: $TOKEN"'
  id: later
`,
    "contents: read, id-token: write",
  );
  const env = {
    FOREGONE_SECRETS_BROKER_SOCKET: lab.options.socket,
    GITHUB_REPOSITORY_ID: "456",
    ...lab.issuer.requestEnv,
  };
  const job = await machine.job({ env });
  expect([job.status, job.steps["inject"]?.outputs], job.log).toEqual([
    "success",
    { "credentials-injected": "1", status: "success" },
  ]);
  expect(job.steps["later"]?.log).toContain("18 bytes: ***");
  expect(`${job.log}${job.post}${job.summary}`).not.toContain("value-of-the-token");
  const without = await machine.job({ env: { ...env, FOREGONE_SECRETS_BROKER_SOCKET: join(machine.base, "none") } });
  expect([without.status, without.steps["inject"]?.outputs["status"], without.ran], without.log).toEqual([
    "failure",
    "error",
    ["0", "inject"],
  ]);
});

test("setup-github-cache: a later step's second read costs nothing", { timeout: 60_000 }, async (context) => {
  const github = await CacheJob.start();
  fillForClients(github.table);
  const read = `curl -sS --max-time 5 -H "Authorization: Bearer ghp_0123456789abcdefghij" -o /dev/null -w '%{http_code}.' "$GITHUB_API_URL/repos/o/r"`;
  const machine = runner(
    context,
    `- uses: acme/foregone/actions/setup-github-cache@v1
  id: cache
- run: |
    ${read}
    ${read}
  id: later
`,
  );
  const job = await machine.job({
    token: "ghs_of_the_job",
    env: { FOREGONE_API_UPSTREAMS: github.env["FOREGONE_API_UPSTREAMS"] ?? "" },
  });
  expect([job.status, job.steps["cache"]?.outputs["cache-status"]], job.log).toEqual(["success", "success"]);
  expect(job.steps["later"]?.log).toContain("200.200.");
  expect(github.double.log.filter(({ path }) => path === "/repos/o/r")).toHaveLength(1);
  expect(job.post).toMatch(/2 GitHub reads: 1 paid/);
  expect(processesOf(machine.base)).toEqual([]);
});

test("setup-codeql-cache: scanned once, then skipped with its result", { timeout: 60_000 }, async (context) => {
  const machine = runner(
    context,
    // act unpacks actions elsewhere than the runner does, which the version of CodeQL is read from.
    `- run: 'mkdir -p "\${RUNNER_TEMP%/*}/${DEFAULTS}" && cp "$HOME/defaults.json" "\${RUNNER_TEMP%/*}/${DEFAULTS}"'
- uses: acme/foregone/actions/setup-codeql-cache@v1
  id: scan
- uses: github/codeql-action/init@abc123
  id: init
  if: steps.scan.outputs.should-skip-scan != 'true'
  with: { languages: javascript, build-mode: none, tools: linked }
- uses: github/codeql-action/analyze@abc123
  id: analyze
  if: steps.scan.outputs.should-skip-scan != 'true'
  with: { category: "/language:javascript" }
`,
  );
  const folder = join(machine.base, "codeql-action");
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  };
  // In the place of a scan of minutes: what init and analyze export, and a recorded result.
  const results = join(machine.base, "results");
  put(join(machine.base, "recorded.sarif"), RECORDED);
  const composite = (run: string): string =>
    `name: x\ninputs: { languages: {}, build-mode: {}, tools: {}, category: {} }\nruns:\n  using: composite\n  steps:\n    - shell: bash\n      run: |\n${run.replace(/^(?=.)/gm, "        ")}`;
  put(
    join(folder, "init/action.yml"),
    composite(
      `echo "CODEQL_WORKFLOW_STARTED_AT=$(date -u -d '-5 minutes' +%FT%TZ)" >> $GITHUB_ENV\nprintf '%s\\n' CODEQL_ACTION_INIT_HAS_RUN=true CODEQL_RAM=5923 CODEQL_THREADS=2 CODEQL_EXTRACTOR_JAVASCRIPT_ROOT=/opt/codeql/javascript >> $GITHUB_ENV\n`,
    ),
  );
  put(
    join(folder, "analyze/action.yml"),
    composite(
      `mkdir -p ${results}\ncp ${machine.base}/recorded.sarif ${results}/javascript.sarif\nprintf '%s\\n' CODEQL_ACTION_SARIF_RESULTS_OUTPUT_DIR=${results} CODEQL_ACTION_ANALYZE_DID_COMPLETE_SUCCESSFULLY=true >> $GITHUB_ENV\n`,
    ),
  );
  machine.actions = { "github/codeql-action@abc123": folder };
  put(
    join(machine.base, "home/defaults.json"),
    JSON.stringify({ bundleVersion: "codeql-bundle-v2.19.0", cliVersion: "2.19.0" }),
  );
  for (const path of SCANNED) machine.write(path, "// line\n".repeat(300));
  machine.commit();
  const scan = (): ReturnType<ActRunner["job"]> =>
    machine.job({ env: { FOREGONE_CODEQL_AUDIT: "0", ImageOS: "ubuntu24" } });
  const first = await scan();
  expect([first.status, first.steps["scan"]?.outputs, first.ran], first.log).toMatchObject([
    "success",
    { "should-skip-scan": "false", reason: "no-record" },
    ["0", "1", "scan", "init", "analyze"],
  ]);
  expect(first.post).toContain("recorded as");
  machine.write("README.md", "# other\n");
  machine.commit();
  const second = await scan();
  expect([second.status, second.steps["scan"]?.outputs, second.ran], second.log).toMatchObject([
    "success",
    { "should-skip-scan": "true", reason: "hit", "cached-result": expect.stringContaining(".sarif") as string },
    ["0", "1", "scan"],
  ]);
  machine.write(SCANNED[0] ?? "", "// other\n".repeat(300));
  machine.commit();
  const third = await scan();
  expect([third.steps["scan"]?.outputs, third.ran], third.log).toMatchObject([
    { "should-skip-scan": "false", reason: "changed" },
    ["0", "1", "scan", "init", "analyze"],
  ]);
});
