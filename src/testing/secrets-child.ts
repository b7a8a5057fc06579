// One operation on a credential store in a process of its own: FOLDER OPERATION [KILL-AT [half]] or FOLDER writes COUNT NAME.
// KILL-AT n: SIGKILL before the n-th effect; `half`: after half of its bytes.
import { addVersions } from "../secrets/changes.ts";
import { createStore } from "../secrets/create.ts";
import { exportText, parseExport, selectImport } from "../secrets/escrow.ts";
import { rotateMaster } from "../secrets/rotate-master.ts";
import { inSession } from "../secrets/session.ts";
import { changeContext, labContext, newVersion, setCredentials, stoppingDisk } from "./secrets-lab.ts";

const [folder = "", operation = "", second = "0", third = ""] = process.argv.slice(2);
const disk = stoppingDisk(operation === "writes" ? 0 : Number(second), (_, half) => {
  if (third === "half") half?.();
  process.kill(process.pid, "SIGKILL");
  // The signal arrives before the next system call; this line is not reached.
  throw new Error("alive after SIGKILL");
});
const context = labContext(folder, { disk });

switch (operation) {
  case "init":
    await createStore(context, { provider: "file" });
    break;
  case "set":
    await setCredentials(context, newVersion("TOKEN", "second-value", { othersUntil: 0 }));
    break;
  case "rotate-master":
    await inSession(context, async (session) => {
      const from = await session.open();
      await rotateMaster(session, from, changeContext(session.now()), "file");
    });
    break;
  case "rotate":
    await inSession(context, async (session) => {
      const [from, now] = [await session.open(), session.now()];
      const version = newVersion("TOKEN", "second-value", { notBefore: now, othersUntil: now + 3600 });
      session.commit(from, addVersions(changeContext(now), from, "rotate", [version]).change);
    });
    break;
  case "import":
    await inSession(context, async (session) => {
      const [from, now] = [await session.open(), session.now()];
      const exported = parseExport(exportText(from, from.state.versions, false));
      const imported = [...exported, newVersion("NEW", "")].map((v) => ({ ...v, value: Buffer.from("second-value") }));
      const { added } = selectImport(from.state, imported, true, now);
      session.commit(from, addVersions(changeContext(now), from, "import", added).change);
    });
    break;
  case "append":
    await inSession(context, async (session) => {
      session.append({ action: "get", names: [{ name: "TOKEN" }] });
    });
    break;
  case "writes":
    for (let i = 0; i < Number(second); i++)
      await setCredentials(context, newVersion(`${third}_${i}`, `value-of-${third}-${i}`));
    break;
  default:
    throw new TypeError(operation);
}
process.stdout.write(JSON.stringify(disk.effects));
