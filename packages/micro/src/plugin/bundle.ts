/**
 * Bundles a plugin's module with esbuild, from memory to memory.
 */
import type { BuildFailure, BuildResult, Plugin as EsbuildPlugin, Message } from "esbuild";
import { hostLookUp, hostLookUpModule, hostShim, unknownSubpath } from "./host-shim.ts";
import { PluginError, reasonOf } from "./plugin-error.ts";

export interface BundleRequest {
  /** The source as it was named. */
  named: string;
  /** Text of the module to start from. */
  entry: string;
  /** What the entry's imports are relative to. Everything in the result is said relative to it. */
  folder: string;
  /** Base name of the built file. */
  fileName: string;
}

export interface Bundle {
  /** Line 1 is `placeholderLine`. */
  code: string;
  map: string;
  /** Subpaths of ts-micro that it takes from its host, sorted. */
  host: string[];
  warnings: string[];
  esbuildVersion: string;
}

/** Stands where the manifest will: what it says is known only when the bundle was loaded once. */
export const placeholderLine = "/*! the manifest */";

// What CommonJS dependencies expect to find. esbuild sees no banner: only `require` is a name that it avoids.
const commonJsLine =
  'import { createRequire as __tsMicroCreateRequire } from "node:module"; ' +
  'import { fileURLToPath as __tsMicroFileURLToPath } from "node:url"; ' +
  "const require = __tsMicroCreateRequire(import.meta.url), " +
  '__tsMicroFilename = __tsMicroFileURLToPath(import.meta.url), __tsMicroDirname = __tsMicroFileURLToPath(new URL(".", import.meta.url));';

const entryName = "plugin-entry.js";

/** @throws PluginError phase `build` */
export async function bundle(request: BundleRequest): Promise<Bundle> {
  const esbuild = await importEsbuild(request.named);
  const host = new Set<string>();
  let result: BuildResult<{ write: false }>;
  try {
    result = await esbuild.build({
      stdin: { contents: request.entry, resolveDir: request.folder, sourcefile: entryName, loader: "js" },
      // Relative paths in the output depend on these two, so neither is the target's folder.
      absWorkingDir: request.folder,
      outfile: request.fileName,
      write: false,
      bundle: true,
      platform: "node",
      format: "esm",
      target: "node20.19",
      // None of the conditions that only bundlers set: what Node would import is what is built.
      conditions: [],
      charset: "utf8",
      sourcemap: "linked",
      logLevel: "silent",
      banner: { js: `${placeholderLine}\n${commonJsLine}` },
      define: { __filename: "__tsMicroFilename", __dirname: "__tsMicroDirname" },
      plugins: [hostImports(host), nativeAddons],
    });
  } catch (cause) {
    throw buildFailed(request.named, cause);
  }
  const text = (ending: string): string =>
    result.outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? "";
  return {
    code: text(".mjs"),
    map: text(".mjs.map"),
    host: [...host].sort(),
    warnings: result.warnings.filter((warning) => !isAboutMissingPlugin(warning)).map(oneMessage),
    esbuildVersion: esbuild.version,
  };
}

/** The entry, and every module that `generate` wrote, asks for members that its source may lack. */
function isAboutMissingPlugin({ id, text }: Message): boolean {
  return id === "import-is-undefined" && /^Import "(Plugin|default)" /.test(text);
}

/** esbuild is an optional peer: services that only load plugins don't need it. */
async function importEsbuild(named: string): Promise<typeof import("esbuild")> {
  try {
    return await import("esbuild");
  } catch (cause) {
    throw new PluginError({
      phase: "build",
      code: "PLUGIN_BUILD_TOOL_MISSING",
      path: named,
      what: `building a plugin needs esbuild: ${reasonOf(cause)}`,
      cure: "Run: npm install --save-dev esbuild",
      cause,
    });
  }
}

/** Puts look-ups in the host in place of ts-micro, and notes in `used` what is looked up. */
function hostImports(used: Set<string>): EsbuildPlugin {
  return {
    name: "ts-micro-host",
    setup(build) {
      build.onResolve({ filter: /^ts-micro($|\/)/ }, ({ path }) => {
        if (path === "ts-micro/package.json") return undefined;
        const problem = unknownSubpath(path);
        if (problem !== undefined) return { errors: [{ text: problem }] };
        used.add(path);
        return { path, namespace: "ts-micro-host", sideEffects: false };
      });
      build.onResolve({ filter: /.*/, namespace: "ts-micro-host" }, ({ path }) => ({
        path,
        namespace: "ts-micro-host",
        sideEffects: false,
      }));
      build.onLoad({ filter: /.*/, namespace: "ts-micro-host" }, async ({ path }) => ({
        contents: path === hostLookUpModule ? hostLookUp : await hostShim(path),
        loader: "js",
      }));
    },
  };
}

const nativeAddonPlugin = "ts-micro-native-addon";

/** The file of an addon, and the packages that look for one at run time. */
const nativeAddons: EsbuildPlugin = {
  name: nativeAddonPlugin,
  setup(build) {
    const filter =
      /\.node$|^(bindings|node-gyp-build|node-gyp-build-optional-packages|@mapbox\/node-pre-gyp)$/;
    build.onResolve({ filter }, ({ path }) => ({
      errors: [{ text: `${path} brings a native addon, which can't be part of one file` }],
    }));
  },
};

function buildFailed(named: string, cause: unknown): PluginError {
  const errors = isBuildFailure(cause) ? cause.errors : [];
  const native = errors.some(({ pluginName }) => pluginName === nativeAddonPlugin);
  const inEntry = errors.some(({ location }) => location?.file === entryName);
  return new PluginError({
    phase: "build",
    code: native ? "PLUGIN_NATIVE_ADDON" : "PLUGIN_BUILD_FAILED",
    path: named,
    what: errors.length > 0 ? "the plugin can't be built" : `the plugin can't be built: ${reasonOf(cause)}`,
    problems: errors.map(oneMessage),
    cure: native
      ? "Don't build it: publish it as a package and name that package in MICRO_PLUGIN."
      : inEntry
        ? "Give newFunc the name of an export of the source."
        : "Fix the source.",
    cause,
  });
}

/** esbuild's own text, with its place. */
function oneMessage({ text, location }: Message): string {
  return location === null ? text : `${location.file}:${location.line}:${location.column}: ${text}`;
}

function isBuildFailure(value: unknown): value is BuildFailure {
  return value instanceof Error && "errors" in value && Array.isArray(value.errors);
}
