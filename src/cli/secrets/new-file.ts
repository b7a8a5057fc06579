// A new file for a value: 0600, and no name that was there before, through no link.
import { closeSync, constants, openSync, writeSync } from "node:fs";
import { ForegoneError } from "../../core/errors.ts";

export function writeNewFile(path: string, bytes: Uint8Array): void {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  let fd: number;
  try {
    fd = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  } catch (error) {
    throw new ForegoneError("E_USAGE", `${path} cannot be made: ${(error as NodeJS.ErrnoException).code}`, {
      hint: "--out wants a new file",
    });
  }
  try {
    for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done);
  } finally {
    closeSync(fd);
  }
}
