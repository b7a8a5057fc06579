// The URLs of `store.shared`, read. Nothing that is printed of them holds a credential.
import type { RedisAddress } from "./redis-client.ts";
import type { S3Address } from "./s3.ts";

export type SharedAddress =
  | ({ readonly engine: "redis"; readonly shown: string } & RedisAddress)
  | ({ readonly engine: "s3"; readonly shown: string; readonly prefix: string } & S3Address);

export type Env = Readonly<Record<string, string | undefined>>;

/**
 * `redis://[user:password@]host[:6379][/database]`, `rediss://` the same over TLS, `s3://bucket[/prefix][?region=...]` for AWS,
 * `https://host/bucket[/prefix][?region=...]` for any other S3. Credentials of S3: in the URL, else FOREGONE_S3_ACCESS_KEY_ID
 * and FOREGONE_S3_SECRET_ACCESS_KEY, else the AWS variables.
 * @returns `problem`: what is wrong, without the URL's secrets
 */
export function parseSharedAddress(text: string, env: Env): SharedAddress | { readonly problem: string } {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return { problem: "not a URL" };
  }
  const shown = `${url.protocol}//${url.host}${url.pathname === "/" ? "" : url.pathname}`;
  const [username, password] = [decoded(url.username), decoded(url.password)];
  if (username === undefined || password === undefined)
    return { problem: `${shown}: user and password must be percent-encoded` };
  switch (url.protocol) {
    case "redis:":
    case "rediss:":
      return redisAddress(url, shown, username, password);
    case "s3:":
    case "https:":
    case "http:":
      return s3Address(url, shown, username, password, env);
    default:
      return { problem: `${shown}: want redis://, rediss://, s3:// or https://` };
  }
}

function redisAddress(
  url: URL,
  shown: string,
  username: string,
  password: string,
): SharedAddress | { readonly problem: string } {
  const database = /^\/?(\d{0,4})$/.exec(url.pathname)?.[1];
  if (url.hostname === "" || database === undefined) return { problem: `${shown}: want redis://host:port/database` };
  return {
    engine: "redis",
    shown,
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? 6379 : Number(url.port),
    tls: url.protocol === "rediss:",
    ...(username !== "" && { username }),
    ...(password !== "" && { password }),
    ...(database !== "" && { database: Number(database) }),
  };
}

function s3Address(
  url: URL,
  shown: string,
  username: string,
  password: string,
  env: Env,
): SharedAddress | { readonly problem: string } {
  const aws = url.protocol === "s3:";
  const region = url.searchParams.get("region") ?? env["AWS_REGION"] ?? env["AWS_DEFAULT_REGION"] ?? "us-east-1";
  const path = url.pathname.split("/").filter((part) => part !== "");
  const bucket = aws ? url.hostname : path.shift();
  if (bucket === undefined || !/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket) || !/^[\w-]+$/.test(region))
    return { problem: `${shown}: want s3://bucket/prefix or https://host/bucket/prefix` };
  const [accessKeyId, secretAccessKey] =
    username !== "" ? [username, password] : [ofEnv(env, "ACCESS_KEY_ID"), ofEnv(env, "SECRET_ACCESS_KEY")];
  if (!accessKeyId || !secretAccessKey)
    return { problem: `${shown}: set FOREGONE_S3_ACCESS_KEY_ID and FOREGONE_S3_SECRET_ACCESS_KEY` };
  // The client cannot send a session token with a listing, and S3 would only say that the key is unknown.
  if (username === "" && !env["FOREGONE_S3_ACCESS_KEY_ID"] && env["AWS_SESSION_TOKEN"])
    return { problem: `${shown}: temporary AWS credentials (AWS_SESSION_TOKEN) are not supported` };
  return {
    engine: "s3",
    shown,
    endpoint: aws ? `https://s3.${region}.amazonaws.com/${bucket}` : `${url.protocol}//${url.host}/${bucket}`,
    prefix: path.map((part) => `${part}/`).join(""),
    region,
    accessKeyId,
    secretAccessKey,
  };
}

function ofEnv(env: Env, name: string): string | undefined {
  return env[`FOREGONE_S3_${name}`] || env[`AWS_${name}`];
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
