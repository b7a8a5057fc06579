// How GitHub's runner reads GITHUB_ENV and GITHUB_OUTPUT on Linux: a port of EnvFileKeyValuePairs and SetEnvFileCommand of
// actions/runner, src/Runner.Worker/FileCommandManager.cs at 258d6c8 (MIT, Copyright (c) 2019 GitHub).

export interface ParsedCommandFile {
  readonly variables: Map<string, string>;
  /** Names that the runner refuses to set. */
  readonly blocked: number;
  readonly error: string | undefined;
}

export function parseCommandFile(source: string): ParsedCommandFile {
  const variables = new Map<string, string>();
  let blocked = 0;
  let rest = source.startsWith("\ufeff") ? source.slice(1) : source;
  const readLine = (): { line: string; ended: boolean } | undefined => {
    if (rest === "") return undefined;
    const end = rest.indexOf("\n");
    const found = { line: end < 0 ? rest : rest.slice(0, end), ended: end >= 0 };
    rest = end < 0 ? "" : rest.slice(end + 1);
    return found;
  };
  const set = (name: string, value: string): void => {
    if (name.toUpperCase() === "NODE_OPTIONS") blocked++;
    else variables.set(name, value);
  };
  for (let read = readLine(); read !== undefined; read = readLine()) {
    const { line } = read;
    if (line === "") continue;
    const equals = line.indexOf("=");
    const heredoc = line.indexOf("<<");
    if (equals >= 0 && (heredoc < 0 || equals < heredoc)) {
      set(line.slice(0, equals), line.slice(equals + 1));
      continue;
    }
    if (heredoc < 0) return { variables, blocked, error: `Invalid format '${line}'` };
    const [name, delimiter] = [line.slice(0, heredoc), line.slice(heredoc + 2)];
    if (name === "" || delimiter === "")
      return {
        variables,
        blocked,
        error: `Invalid format '${line}'. Name must not be empty and delimiter must not be empty`,
      };
    let value: string | undefined;
    for (;;) {
      const inner = readLine();
      if (inner === undefined)
        return { variables, blocked, error: `Invalid value. Matching delimiter not found '${delimiter}'` };
      if (inner.line === delimiter) break;
      if (!inner.ended) return { variables, blocked, error: "Invalid value. EOF marker missing new line." };
      value = value === undefined ? inner.line : `${value}\n${inner.line}`;
    }
    set(name, value ?? "");
  }
  return { variables, blocked, error: undefined };
}
