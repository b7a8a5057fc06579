// s3rver in a process of its own; prints its port when it listens. It knows SigV4 but does not check it: aws4 does so before,
// an implementation that is not the client's.
import { createServer } from "node:http";
// @ts-expect-error it has no types
import aws4 from "aws4";
// @ts-expect-error it has no types
import S3rver from "s3rver";

const KEY = { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" };
const [directory] = process.argv.slice(2);
const s3 = new S3rver({ silent: true, directory, configureBuckets: [{ name: "store" }] });
await s3.configureBuckets();
const handle = s3.callback();

/** @param {import("node:http").IncomingMessage} request */
function isSigned({ method, url, headers }) {
  const { authorization = "" } = headers;
  const { groups } =
    /Credential=[^/]+\/\d{8}\/(?<region>[\w-]+)\/s3\/aws4_request, ?SignedHeaders=(?<names>[\w;-]+),/.exec(
      authorization,
    ) ?? {};
  if (groups === undefined) return false;
  const signed = Object.fromEntries((groups["names"] ?? "").split(";").map((name) => [name, headers[name]]));
  const asked = { service: "s3", region: groups["region"], method, path: url, headers: signed };
  return aws4.sign(asked, KEY).headers.Authorization.replaceAll(", ", ",") === authorization.replaceAll(", ", ",");
}

const server = createServer((request, response) => {
  const known = request.headers.authorization?.includes(`Credential=${KEY.accessKeyId}/`) ?? false;
  // s3rver itself refuses who is unknown.
  if (known && !isSigned(request)) {
    response.writeHead(403, { "content-type": "application/xml" });
    response.end("<Error><Code>SignatureDoesNotMatch</Code></Error>");
  } else handle(request, response);
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (typeof address === "object") process.stdout.write(`${address?.port}\n`);
});
