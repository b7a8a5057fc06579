// `foregone shared new-key`: what a fleet needs to share a store, made here and shown once.
import { EXIT } from "../../core/errors.ts";
import { systemRandom } from "../../node/ports.ts";
import { signingKey } from "../../store/signed.ts";
import type { CliContext, Parsed } from "../command.ts";

export function run(context: CliContext, parsed: Parsed): Promise<number> {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
  const seed = systemRandom.bytes(32);
  const keys = {
    FOREGONE_MESH_SECRET: Buffer.from(systemRandom.bytes(32)).toString("hex"),
    FOREGONE_SIGNING_KEY: text(seed),
    "store.trusted-keys": [text(signingKey(seed).publicKey)],
  };
  context.stdout.write(
    parsed.flags.has("json")
      ? `${JSON.stringify(keys, undefined, 2)}\n`
      : [
          "# for every job and machine that may read, as a secret:",
          `FOREGONE_MESH_SECRET=${keys.FOREGONE_MESH_SECRET}`,
          "# only where records are made that all others are to believe (a protected environment, trusted machines), as a secret:",
          `FOREGONE_SIGNING_KEY=${keys.FOREGONE_SIGNING_KEY}`,
          "# in .github/cache-config.yml on the default branch:",
          "store:",
          `  trusted-keys: [${keys["store.trusted-keys"].join(", ")}]`,
          "",
        ].join("\n"),
  );
  return Promise.resolve(EXIT.done);
}
