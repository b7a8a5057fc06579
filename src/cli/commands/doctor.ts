import { loadLibc } from "../../trace/ffi.ts";
import type { CliContext } from "../command.ts";

export async function run(context: CliContext): Promise<number> {
  const libc = await loadLibc();
  context.stdout.write("unavailable" in libc ? `note  ffi      ${libc.unavailable}\n` : "ok    ffi      koffi\n");
  return 0;
}
