// Nothing that looks like a secret is kept: not what a step printed, not what it made. The runner knows the masks and does not tell
// them; what is seen here is what asks for a mask, what our own step was given, and the shapes of well-known tokens.
import type { MadeRecord } from "../../memo/record-run.ts";

const TOKEN =
  /::add-mask::|\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_[A-Za-z0-9_]{60}|\bxox[abprs]-[A-Za-z0-9-]{10}|\bAKIA[A-Z0-9]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY-----|\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10}/;
const PRIVATE_NAME = /^(?:ACTIONS_RUNTIME_TOKEN|ACTIONS_ID_TOKEN_REQUEST_TOKEN|INPUT_TOKEN|GITHUB_TOKEN|GH_TOKEN)$/;

/** @returns why not all of it may be kept */
export function secretIn(
  made: Pick<MadeRecord, "contents">,
  output: Uint8Array,
  env: Readonly<Record<string, string>>,
): string | undefined {
  const values = Object.entries(env)
    .filter(([name, value]) => PRIVATE_NAME.test(name) && value.length >= 8)
    .map(([, value]) => value);
  const holds = (bytes: Uint8Array): boolean => {
    const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return values.some((value) => content.includes(value)) || TOKEN.test(content.toString("latin1"));
  };
  if (holds(output)) return "secret-output: what the command printed holds a mask or a token";
  for (const bytes of made.contents.values())
    if (holds(bytes)) return "secret-output: a file that the command made holds a token";
  return undefined;
}
