// Many peers in one other process, for benches: `node mesh-children COUNT together|apart [BOOTSTRAP...]` prints their addresses as one
// line of JSON when they know each other, or at once if they are apart, and ends with its stdin.
import { labMesh, labPeer, join, until } from "./mesh-lab.ts";

const [count = "1", how = "together", ...bootstrap] = process.argv.slice(2);
if (how === "apart") {
  const apart = await Promise.all(Array.from({ length: Number(count) }, () => labPeer()));
  told(apart.map(({ listening }) => listening));
} else await together();

async function together(): Promise<void> {
  const peers = await labMesh(Number(count));
  for (const address of bootstrap) for (const { mesh } of peers) mesh.addAddress(address, "operator");
  join(peers);
  await until(() => peers.every(({ mesh }) => mesh.ringSize >= Number(count)));
  told(peers.map(({ listening }) => listening));
}

function told(addresses: readonly (string | undefined)[]): void {
  process.stdout.write(`${JSON.stringify(addresses)}\n`);
  process.stdin.resume();
  process.stdin.once("end", () => process.exit(0));
}
