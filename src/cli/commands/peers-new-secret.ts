// foregone peers new-secret: 32 bytes of the system's randomness, as text to paste.
import { ForegoneError } from "../../core/errors.ts";
import { systemRandom } from "../../node/ports.ts";
import type { CliContext, Parsed } from "../command.ts";

export async function run({ stdout, stderr }: CliContext, parsed: Parsed): Promise<number> {
  const epoch = parsed.values.get("epoch") ?? "1";
  if (!/^[1-9]\d{0,8}$/.test(epoch))
    throw new ForegoneError("E_USAGE", `--epoch wants a number from 1, not "${epoch}"`);
  const secret = Buffer.from(systemRandom.bytes(32)).toString("base64url");
  stdout.write(`${epoch}:${secret}\n`);
  stderr.write("foregone: set it as FOREGONE_MESH_SECRET on every machine; who has it is a member\n");
  if (epoch !== "1")
    stderr.write(
      `foregone: hint: first NEW,OLD everywhere, then NEW alone: FOREGONE_MESH_SECRET=${epoch}:...,${Number(epoch) - 1}:...\n`,
    );
  return 0;
}
