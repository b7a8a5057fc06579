// Many peers in one other process, for benches: `node mesh-children COUNT [BOOTSTRAP...]` prints their addresses as one line of JSON
// when they know each other, and ends with its stdin.
import { labMesh, join, until } from "./mesh-lab.ts";

const [count = "1", ...bootstrap] = process.argv.slice(2);
const peers = await labMesh(Number(count));
for (const address of bootstrap) for (const { mesh } of peers) mesh.addAddress(address, "operator");
join(peers);
await until(() => peers.every(({ mesh }) => mesh.ringSize >= Number(count)));
process.stdout.write(`${JSON.stringify(peers.map(({ listening }) => listening))}\n`);
process.stdin.resume();
process.stdin.once("end", () => process.exit(0));
