// What Foregone knows of each CodeQL language: its names, how it is extracted, which variables and files outside the source
// shape a scan. docs.github.com, "About code scanning with CodeQL"; codeql.github.com, "Supported languages".

export interface Language {
  readonly name: string;
  readonly aliases: readonly string[];
  /** Analysed from source alone: no build is watched. */
  readonly interpreted: boolean;
  /** Environment variables that the extractor or the build reads, as patterns. */
  readonly env: RegExp;
  /** Base names of tracked files that choose dependencies. */
  readonly dependencies: RegExp;
  /** A file that tells the version of the toolchain, below the folder that a variable names. */
  readonly toolchain: readonly (readonly [variable: string, file: string])[];
}

const NONE = /^$/;

export const LANGUAGES: readonly Language[] = [
  {
    name: "javascript",
    aliases: ["typescript", "javascript-typescript"],
    interpreted: true,
    env: /^(?:NODE_OPTIONS|NODE_PATH)$/,
    dependencies: /^(?:package(?:-lock)?\.json|yarn\.lock|pnpm-lock\.yaml|tsconfig.*\.json)$/,
    toolchain: [],
  },
  {
    name: "python",
    aliases: [],
    interpreted: true,
    env: /^PYTHON/,
    dependencies:
      /^(?:requirements.*\.txt|setup\.(?:py|cfg)|pyproject\.toml|Pipfile(?:\.lock)?|poetry\.lock|uv\.lock)$/,
    toolchain: [],
  },
  { name: "ruby", aliases: [], interpreted: true, env: NONE, dependencies: /^Gemfile(?:\.lock)?$/, toolchain: [] },
  { name: "actions", aliases: [], interpreted: true, env: NONE, dependencies: NONE, toolchain: [] },
  {
    name: "cpp",
    aliases: ["c", "c++", "c-c++", "c-cpp"],
    interpreted: false,
    env: /^(?:CC|CXX|CFLAGS|CXXFLAGS|CPPFLAGS|LDFLAGS|CPATH|C_INCLUDE_PATH|CPLUS_INCLUDE_PATH|LIBRARY_PATH|PKG_CONFIG_PATH|CMAKE_.*)$/,
    dependencies:
      /^(?:CMakeLists\.txt|.*\.cmake|conanfile\.(?:py|txt)|vcpkg\.json|meson\.build|configure\.ac|Makefile.*)$/,
    toolchain: [],
  },
  {
    name: "csharp",
    aliases: ["c#"],
    interpreted: false,
    env: /^(?:DOTNET_.*|NUGET_.*|MSBUILD.*)$/,
    dependencies:
      /^(?:packages\.lock\.json|paket\.lock|.*\.csproj|packages\.config|nuget\.config|global\.json|Directory\..*\.(?:props|targets))$/i,
    toolchain: [["DOTNET_ROOT", "sdk"]],
  },
  {
    name: "go",
    aliases: [],
    interpreted: false,
    env: /^(?:GO[A-Z0-9_]*|CGO_ENABLED|CC|CXX)$/,
    dependencies: /^go\.(?:mod|sum|work)$|^go\.work\.sum$/,
    toolchain: [["GOROOT", "VERSION"]],
  },
  {
    name: "java",
    aliases: ["kotlin", "java-kotlin"],
    interpreted: false,
    env: /^(?:JAVA_.*|MAVEN_.*|GRADLE_.*|_JAVA_OPTIONS|JDK_.*)$/,
    dependencies:
      /^(?:pom\.xml|.*\.gradle.*|gradle-wrapper\.properties|gradle\.properties|.*\.versions\.toml|versions\.properties|Versions\.kt|Dependencies\.kt)$/,
    toolchain: [["JAVA_HOME", "release"]],
  },
  {
    name: "rust",
    aliases: [],
    interpreted: false,
    env: /^(?:CARGO_.*|RUST.*)$/,
    dependencies: /^(?:Cargo\.(?:toml|lock)|rust-toolchain(?:\.toml)?|build\.rs)$/,
    toolchain: [],
  },
  {
    name: "swift",
    aliases: [],
    interpreted: false,
    env: /^(?:SWIFT.*|DEVELOPER_DIR|SDKROOT)$/,
    dependencies: /^(?:Package\.(?:swift|resolved)|Podfile(?:\.lock)?|Cartfile(?:\.resolved)?)$/,
    toolchain: [],
  },
];

/** @returns undefined for a name nobody here knows: then the scan runs */
export function languageOf(name: string): Language | undefined {
  const lower = name.trim().toLowerCase();
  return LANGUAGES.find((language) => language.name === lower || language.aliases.includes(lower));
}
