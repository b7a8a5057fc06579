// The environment of a scan: variables that CodeQL, its extractors or a build read, as keyed digests. What names a secret
// stays out altogether; what only names this job or its speed is no input.
import type { Hasher } from "../ports.ts";
import type { Detail } from "./component.ts";

const CODEQL = /^(?:CODEQL_|LGTM_|SEMMLE_)/;
const SECRET = /TOKEN|AUTH|PASSWORD|SECRET|CREDENTIAL|_KEY$/;
/** Speed, verbosity and identity of one job: docs of github/codeql-action, src/environment.ts. */
const NO_INPUT =
  /^(?:CODEQL_(?:RAM|THREADS|VERBOSITY|WORKFLOW_STARTED_AT)|CODEQL_ACTION_(?:CLI_VERSION_INFO|HAS_WARNED_.*|INIT_HAS_RUN|SETUP_CODEQL_HAS_RUN|JOB_STATUS|DID_LOG_.*|SARIF_RESULTS_OUTPUT_DIR|ANALYZE_DID_.*|VERSION|FEATURE_.*|ANALYSIS_KEY))$/;

/** @param more further names of the language or preset */
export function scanEnvironment(
  env: Readonly<Record<string, string>>,
  more: RegExp,
  repository: string,
  hasher: Hasher,
): Detail {
  // The same on every machine of a repository, so that machines share records: it hides a value from a glance, not from a search.
  const key = Buffer.from(`foregone scan environment\0${repository}`);
  const detail: Record<string, string> = {};
  for (const name of Object.keys(env).sort()) {
    if (!(CODEQL.test(name) || more.test(name)) || SECRET.test(name) || NO_INPUT.test(name)) continue;
    detail[name] = hasher.hmac(key, `${name}=${env[name] ?? ""}`).slice(0, 32);
  }
  return detail;
}
