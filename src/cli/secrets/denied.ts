// A denial on the owner's terminal: all reasons, since the owner may know them.
import { EXIT, ForegoneError } from "../../core/errors.ts";
import { type Granted, isGranted, type Refused } from "../../secrets/resolve.ts";

export function deniedError(answers: readonly (Granted | Refused)[], audit: number | undefined): ForegoneError {
  const denied = answers.flatMap((answer) => (isGranted(answer) ? [] : [answer]));
  const text = denied.map(({ name, reasons }) => `${name}: ${reasons.join(", ")}`).join("; ");
  const unknown = denied.every(({ reasons }) => reasons.includes("unknown-name"));
  const ambiguous = denied.some(({ reasons }) => reasons.includes("ambiguous-scope"));
  return new ForegoneError("E_DENIED", `${text}${audit === undefined ? "" : ` (audit #${audit})`}`, {
    exitCode: EXIT.wrong,
    hint: ambiguous
      ? "name the scope: --scope S"
      : unknown
        ? "foregone secrets list"
        : "foregone secrets audit --denied",
  });
}
