// Who may write a record where, and who may read it. Pure; authority comes from a grant (grant.ts), never from GITHUB_* variables.

/** `protected`, `branch:<ref>` or `pr:<number>`. Values that anybody's origin certifies (API bodies, blobs) have scope "". */
export type MeshScope = string & { readonly __brand: "MeshScope" };

export const PROTECTED = "protected" as MeshScope;
export const ANY = "" as MeshScope;

const SHAPE = /^(?:|protected|branch:[^\p{Cc}]{1,200}|pr:[1-9]\d{0,9})$/u;

export function parseMeshScope(text: string): MeshScope | undefined {
  return SHAPE.test(text) ? (text as MeshScope) : undefined;
}
