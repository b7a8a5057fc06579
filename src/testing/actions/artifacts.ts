// Artifact service v4 (github.actions.results.api.v1.ArtifactService), as @actions/artifact 6.2.1 speaks it.
import { createHash } from "node:crypto";
import type { Blobs } from "./blobs.ts";
import { type Twirp, twirp } from "./cache.ts";
import type { RuntimeToken } from "./token.ts";

export interface ArtifactRow {
  readonly id: number;
  /** Back-end ids of who made it. */
  readonly run: string;
  readonly job: string;
  readonly name: string;
  readonly blob: string;
  readonly createdAt: string;
  sizeBytes: number;
  digest: string;
  finalized: boolean;
  expired: boolean;
}

export class ArtifactService {
  readonly rows: ArtifactRow[] = [];
  readonly #blobs: Blobs;
  readonly #origin: () => string;

  constructor(blobs: Blobs, origin: () => string) {
    this.#blobs = blobs;
    this.#origin = origin;
  }

  call(method: string, token: RuntimeToken, body: Readonly<Record<string, unknown>>): Twirp {
    const run = body["workflow_run_backend_id"];
    if (run !== token.run) return twirp(403, "permission_denied", "another run");
    const name = body["name"] as string;
    const mine = this.rows.filter((row) => row.run === run);
    switch (method) {
      case "CreateArtifact":
        return this.#create(token, name, body);
      case "FinalizeArtifact": {
        const row = mine.find((r) => r.name === name && !r.finalized);
        const bytes = row && this.#blobs.value(row.blob);
        if (row === undefined || bytes === undefined || String(bytes.length) !== body["size"])
          return { status: 200, json: { ok: false, artifact_id: "0" } };
        const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
        if (body["hash"] !== undefined && body["hash"] !== digest) return twirp(400, "invalid_argument", "hash");
        Object.assign(row, { finalized: true, sizeBytes: bytes.length, digest });
        return { status: 200, json: { ok: true, artifact_id: String(row.id) } };
      }
      case "ListArtifacts": {
        const [byName, byId] = [body["name_filter"], body["id_filter"]];
        const artifacts = mine
          .filter((r) => r.finalized && (byName === undefined || byName === r.name))
          .filter((r) => byId === undefined || byId === String(r.id))
          .map((r) => ({
            workflow_run_backend_id: r.run,
            workflow_job_run_backend_id: r.job,
            database_id: String(r.id),
            name: r.name,
            size: String(r.sizeBytes),
            created_at: r.createdAt,
            digest: r.digest,
          }));
        return { status: 200, json: { artifacts } };
      }
      case "GetSignedArtifactURL": {
        const row = mine.find((r) => r.name === name && r.finalized);
        if (row === undefined) return twirp(404, "not_found", "artifact");
        return { status: 200, json: { signed_url: this.#origin() + this.#blobs.sign(row.blob) } };
      }
      default:
        return twirp(404, "bad_route", method);
    }
  }

  #create(token: RuntimeToken, name: string, body: Readonly<Record<string, unknown>>): Twirp {
    if (body["version"] !== 7 || !/^[^"\\/:<>|*?\r\n]{1,256}$/.test(name))
      return twirp(400, "invalid_argument", "name");
    if (this.rows.some((row) => row.run === token.run && row.name === name))
      return twirp(409, "already_exists", "an artifact with this name already exists on the workflow run");
    const id = 100 + this.rows.length;
    const blob = `artifact-${id}`;
    const createdAt = new Date(1_700_000_000_000 + id * 1000).toISOString();
    const row = { id, run: token.run, job: token.job, name, blob, createdAt, sizeBytes: 0, digest: "" };
    this.rows.push({ ...row, finalized: false, expired: false });
    return { status: 200, json: { ok: true, signed_upload_url: this.#origin() + this.#blobs.sign(blob) } };
  }
}
