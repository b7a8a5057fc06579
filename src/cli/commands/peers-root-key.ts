// foregone peers root-key: whoever holds this file says which peers may write records.
import { ForegoneError } from "../../core/errors.ts";
import { nodeFileWriter, systemRandom } from "../../node/ports.ts";
import { signerOf } from "../../peers/identity.ts";
import type { CliContext, Parsed } from "../command.ts";
import { expandPath } from "../configuration.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const [file, ...more] = parsed.operands;
  if (file === undefined || more.length > 0) throw new ForegoneError("E_USAGE", "want one FILE for the new key");
  const path = expandPath(file, context);
  const seed = systemRandom.bytes(32);
  const code = nodeFileWriter.writeNew(path, Buffer.from(`${Buffer.from(seed).toString("base64url")}\n`), 0o600);
  if (code !== undefined)
    throw new ForegoneError("E_UNSAFE", `${path} cannot be made: ${code}`, {
      hint: "a key is never overwritten; name a new file",
    });
  context.stdout.write(`${signerOf(seed).publicKey.toString("base64url")}\n`);
  context.stderr.write(
    `foregone: keep ${path} off the runners; put the line above into p2p.security.access_control.root_keys\n`,
  );
  return 0;
}
