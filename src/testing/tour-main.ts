// The command line of scripts/tour.mjs.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { launchChromium, noChromium } from "./chromium.ts";
import { comparable, parseTour, type TourShell, withOutputs } from "./tour.ts";
import { missingOnDashboard, takePictures } from "./tour-look.ts";
import { noTour, runTour } from "./tour-run.ts";

const PAGE = "docs/tour.md";

export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      fresh: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
      images: { type: "boolean", default: false },
      busy: { type: "string", default: "2" },
    },
  });
  const repository = resolve(".");
  const refusal = noTour(repository) ?? noChromium;
  if (refusal !== undefined) throw new Error(refusal);
  const page = readFileSync(PAGE, "utf8");
  const browser = await launchChromium();
  let missing: readonly string[] = ["the dashboard"];
  try {
    const { outputs } = await runTour({
      page,
      repository,
      program: values.fresh ? undefined : resolve("bin/foregone"),
      onCommand: (text) => void process.stderr.write(`$ ${text}\n`),
      async onDashboard(url, shell) {
        missing = await missingOnDashboard(browser, url);
        if (!values.images) return;
        await busyTime(shell, Number(values.busy));
        mkdirSync("docs/images", { recursive: true });
        await takePictures(browser, url, "docs/images");
      },
    });
    if (values.write) writeFileSync(PAGE, withOutputs(page, outputs));
    const wrong = values.write ? [] : differences(page, outputs);
    for (const line of [...wrong, ...missing.map((each) => `not on the dashboard: ${each}`)])
      process.stderr.write(`${line}\n`);
    return wrong.length + missing.length === 0 ? 0 : 1;
  } finally {
    await browser.close();
  }
}

/** What was printed otherwise than the page says, one text for each command. */
export function differences(page: string, outputs: ReadonlyMap<number, readonly string[]>): readonly string[] {
  return parseTour(page).flatMap(({ text, output, line }) => {
    const said = outputs.get(line);
    if (said === undefined) return [];
    const [is, was] = [comparable(said).join("\n"), comparable(output).join("\n")];
    return is === was ? [] : [`${PAGE}:${line} $ ${text}\nprinted\n${is}\nnot\n${was}`];
  });
}

/** Work like a day of a repository, so that a picture has something to show. */
async function busyTime(shell: TourShell, minutes: number): Promise<void> {
  // Two seconds of work, as a build has.
  const build = [
    'import fs from "node:fs";',
    'import { pbkdf2Sync } from "node:crypto";',
    'pbkdf2Sync("x", "y", 4e6, 32, "sha256");',
    'const all = fs.readdirSync("src").map((name) => fs.readFileSync(`src/${name}`, "utf8"));',
    'fs.mkdirSync("out", { recursive: true });',
    'fs.writeFileSync("out/all.js", all.join(""));',
    'console.log(all.length, "files");',
  ].join("\n");
  await shell.run(`cat > build.js <<'END'\n${build}\nEND`);
  const endsAt = performance.now() + minutes * 60_000;
  for (let i = 0; performance.now() < endsAt; i++) {
    const commands = [
      "foregone run -- node --test --test-reporter=dot test/",
      i % 5 === 0 && `echo "export const build = ${i};" > src/build.js`,
      "foregone run -- node build.js",
      "foregone api exec -- gh api repos/cli/cli --jq .full_name",
      i % 4 === 0 && "foregone secrets exec --only DEPLOY_TOKEN -- true",
      i % 9 === 0 && "foregone secrets exec --only NPM_TOKEN -- true",
      i % 3 === 1 && "foregone sarif run -- $lint",
      "sleep 2",
    ];
    for (const command of commands) if (command !== false) await shell.run(command);
  }
  // A run that reads much, for the map.
  const types = "foregone run -- node_modules/.bin/tsc --noEmit --incremental false -p .";
  for (const command of ["cd ~/foregone", types, types]) await shell.run(command);
}
