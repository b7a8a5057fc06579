// Fails when the committed action bundles differ from what the sources build: nobody reviews a bundle by hand.
import { execFileSync } from "node:child_process";

const changed = execFileSync("git", ["status", "--porcelain", "--", "dist"], { encoding: "utf8" });
if (changed !== "") {
  process.stderr.write(`dist/ differs from the sources:\n${changed}hint: npm run build && git add dist\n`);
  process.exitCode = 1;
}
