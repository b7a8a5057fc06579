// Asking the broker, from a job: a token for its audience from GitHub, then one request over its socket.
import { randomBytes } from "node:crypto";
import { request } from "node:http";
import { EXIT, ForegoneError } from "../core/errors.ts";
import { fromBase64 } from "./bytes.ts";
import {
  DEADLINE_MS,
  type HealthReply,
  MAX_NAMES,
  type PutReply,
  type ResolveBody,
  type ResolveReply,
} from "./broker-protocol.ts";
import { MAX_VALUE_BYTES } from "./values.ts";

/** All of 32 values of 48 KiB in base64, with room. */
const MAX_REPLY_BYTES = 4 * MAX_NAMES * MAX_VALUE_BYTES;

/** A token for another audience, given to whoever answers at the socket, could be used there. */
const AUDIENCE_PREFIX = "foregone-secrets:";

export type JobEnv = Readonly<Record<string, string | undefined>>;

/** @returns undefined if nobody answers at the socket */
export async function askHealth(socket: string): Promise<HealthReply | undefined> {
  try {
    return await ask<HealthReply>(socket, "GET", "/v1/health");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (["ENOENT", "ECONNREFUSED", "ENOTDIR"].includes(code)) return undefined;
    if (code === "EACCES")
      throw new ForegoneError("E_DENIED", `${socket} may not be used by this user`, {
        hint: "add the runner's user to the group of secrets.broker.group",
      });
    throw error;
  }
}

/** What a request carries to be known by: an OIDC token where the job may have one. */
export async function jobToken(
  env: JobEnv,
  health: HealthReply,
  audience: string | undefined,
): Promise<string | undefined> {
  const [url, bearer] = [env["ACTIONS_ID_TOKEN_REQUEST_URL"], env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]];
  if (url === undefined || bearer === undefined || url === "" || bearer === "") return undefined;
  const wanted = audience ?? health.audience;
  if (audience === undefined && !wanted.startsWith(AUDIENCE_PREFIX))
    throw new ForegoneError(
      "E_DENIED",
      `the broker asks for a token for "${wanted}", which is not a broker's audience`,
      {
        hint: `if it is yours, name it: audience: ${wanted}`,
      },
    );
  const answer = await fetch(`${url}&audience=${encodeURIComponent(wanted)}`, {
    headers: { authorization: `Bearer ${bearer}`, accept: "application/json; api-version=2.0" },
    redirect: "error",
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  const { value } = answer.ok ? ((await answer.json()) as { readonly value?: unknown }) : { value: undefined };
  if (typeof value !== "string" || value === "")
    throw new ForegoneError("E_DENIED", `GitHub gave no OIDC token (HTTP ${answer.status})`, {
      hint: "permissions: { id-token: write }",
    });
  return value;
}

export async function askResolve(socket: string, body: Omit<ResolveBody, "nonce">): Promise<ResolveReply> {
  return asked<ResolveReply>(socket, "/v1/resolve", body);
}

export async function askPut(
  socket: string,
  body: {
    readonly token: string;
    readonly credentials: readonly { name: string; value: Buffer; scope: string; ttlSeconds: number }[];
  },
): Promise<PutReply> {
  const credentials = body.credentials.map((c) => ({ ...c, value: c.value.toString("base64") }));
  return asked<PutReply>(socket, "/v1/put", { token: body.token, credentials });
}

/** A value of an answer, as bytes. */
export function answeredValue(text: string): Buffer {
  const value = fromBase64(text);
  if (value === undefined) throw unavailable("the broker's answer is not base64");
  return value;
}

async function asked<T extends { readonly nonce: string }>(socket: string, path: string, body: object): Promise<T> {
  const nonce = randomBytes(16).toString("hex");
  const reply = await ask<T>(socket, "POST", path, { v: 1, nonce, ...body });
  if (reply.nonce !== nonce) throw unavailable("the broker answered another question");
  return reply;
}

function ask<T>(socketPath: string, method: string, path: string, body?: object): Promise<T> {
  return new Promise((resolve, reject) => {
    // No connection is kept: the broker may be restarted between two requests.
    const call = request({ socketPath, method, path, agent: false, timeout: DEADLINE_MS }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_REPLY_BYTES) call.destroy(unavailable("the broker's answer is too large"));
        else chunks.push(chunk);
      });
      response.once("error", reject);
      response.once("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        if (!response.complete) return reject(unavailable("the broker's answer was cut"));
        if (response.statusCode !== 200) return reject(unavailable(`the broker answered ${response.statusCode}`));
        try {
          resolve(JSON.parse(text) as T);
        } catch {
          reject(unavailable("the broker's answer is not JSON"));
        }
      });
    });
    call.once("timeout", () => call.destroy(unavailable(`no answer from the broker in ${DEADLINE_MS / 1000} s`)));
    call.once("error", reject);
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function unavailable(message: string): ForegoneError {
  return new ForegoneError("E_DENIED", message, {
    exitCode: EXIT.wrong,
    hint: "try again: a retry asks for a new token",
  });
}
