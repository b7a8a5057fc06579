// s3rver in a process of its own: checks signatures, keeps objects in a folder. Prints its port when it listens.
// @ts-expect-error it has no types
import S3rver from "s3rver";

const [directory] = process.argv.slice(2);
const server = new S3rver({
  address: "127.0.0.1",
  port: 0,
  silent: true,
  directory,
  configureBuckets: [{ name: "store" }],
});
const { port } = await server.run();
process.stdout.write(`${port}\n`);
