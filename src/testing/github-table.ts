// An origin of bodies from a table: paths with values, lists in pages, and per-token visibility.
import { type DoubleRequest, type DoubleResponse, json } from "./github-semantics.ts";

export interface Resource {
  /** An array is a list in pages. */
  value: unknown;
  /** Who may read it; everybody by default. Others get 404, as for private repositories. */
  readonly readers?: ReadonlySet<string>;
  /** Sent as they are. */
  readonly headers?: Readonly<Record<string, string>>;
}

export class GitHubTable {
  readonly #root: string;
  readonly resources = new Map<string, Resource>();

  /** @param root what addresses in `Link` begin with */
  constructor(root = "https://api.github.com") {
    this.#root = root;
  }

  set(path: string, value: unknown, more: Omit<Resource, "value"> = {}): this {
    this.resources.set(path, { value, ...more });
    return this;
  }

  readonly origin = (request: DoubleRequest, token: string): DoubleResponse => {
    const [path = "", query = ""] = request.path.split("?");
    const resource = this.resources.get(request.path) ?? this.resources.get(path);
    if (resource === undefined || resource.readers?.has(token) === false) return json(404, { message: "Not Found" });
    if (request.method === "GET" || request.method === "HEAD") return this.#read(path, query, resource);
    const sent = request.body.length === 0 ? {} : (JSON.parse(request.body.toString()) as Record<string, unknown>);
    if (request.method === "DELETE") {
      this.resources.delete(path);
      return { status: 204, headers: {}, body: Buffer.alloc(0) };
    }
    if (Array.isArray(resource.value)) {
      const item = { id: resource.value.length + 1, ...sent };
      resource.value = [...(resource.value as unknown[]), item];
      return json(201, item, { location: `${this.#root}${path}/${item.id}` });
    }
    resource.value = { ...(resource.value as object), ...sent };
    return json(200, resource.value);
  };

  #read(path: string, query: string, resource: Resource): DoubleResponse {
    if (!Array.isArray(resource.value)) return json(200, resource.value, resource.headers);
    const asked = new URLSearchParams(query);
    const perPage = Number(asked.get("per_page") ?? 30);
    const page = Number(asked.get("page") ?? 1);
    const items = resource.value as unknown[];
    const last = Math.max(1, Math.ceil(items.length / perPage));
    const to = (n: number, rel: string): string => {
      asked.set("page", String(n));
      return `<${this.#root}${path}?${asked.toString()}>; rel="${rel}"`;
    };
    const links = [
      ...(page > 1 ? [to(page - 1, "prev")] : []),
      ...(page < last ? [to(page + 1, "next"), to(last, "last")] : []),
      ...(page > 1 ? [to(1, "first")] : []),
    ];
    const link = links.length > 0 ? { link: links.join(", ") } : {};
    return json(200, items.slice((page - 1) * perPage, page * perPage), { ...resource.headers, ...link });
  }
}
