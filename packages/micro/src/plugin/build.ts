/**
 * Bundles a plugin into one file that works from any folder.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, extname, join, resolve } from "node:path";
import { Worker } from "node:worker_threads";
import { formatDuration } from "../duration.ts";
import { type Bundle, bundle, placeholderLine } from "./bundle.ts";
import type { DescribeAnswer, DescribeRequest } from "./describe.ts";
import { hostSubpaths, hostVersion } from "./host.ts";
import { importTimeoutMs } from "./load.ts";
import { type Manifest, type ManifestPlugin, manifestLine } from "./manifest.ts";
import { readPackageJson } from "./package-entry.ts";
import type { BuildOptions, BuildResult, PluginSource } from "./plugin.ts";
import { PluginError, type PluginErrorCode, reasonOf } from "./plugin-error.ts";
import { namesFile, resolvePlugin } from "./resolve.ts";
import { applicationRoot, nearestPackage } from "./root.ts";
import { checkSource, pluginModule } from "./template.ts";
import { writeWhole } from "./write-whole.ts";

/** See `Plugin.build`. */
export async function build(
  path: string,
  source: PluginSource,
  options: BuildOptions = {},
): Promise<BuildResult> {
  checkSource(source);
  const timeoutMs = importTimeoutMs();
  const target = targetOf(path, source);
  const { folder, specifier, shownPath } = entryOf(source.path, options.root);
  const bundled = await bundle({
    named: source.path,
    entry: pluginModule(source, specifier, shownPath),
    folder,
    fileName: basename(target),
  });
  const manifest = manifestOf(bundled, specifier === source.path ? undefined : folder);
  const plugins = await describe(withManifest(bundled, manifest), basename(target), source.path, timeoutMs);
  const code = withManifest(bundled, { ...manifest, plugins });
  await writeWhole(
    [
      { path: `${target}.map`, text: bundled.map },
      { path: target, text: code },
    ],
    source.path,
  );
  return { path: target, bytes: Buffer.byteLength(code), warnings: bundled.warnings };
}

/** Strips one `.mjs` or `.so`, as go-micro does, so that either may be written. */
function targetOf(path: string, source: PluginSource): string {
  const stem = path.replace(/\.(mjs|so)$/, "");
  if (stem !== "" && !/[\\/]$/.test(stem)) return `${resolve(stem)}.mjs`;
  throw new PluginError({
    phase: "build",
    code: "PLUGIN_SOURCE_INVALID",
    path: source.path,
    what: `the target ${JSON.stringify(path)} names no file`,
    cure: "Write the file that is to be made, such as plugins/xrpc.mjs.",
  });
}

interface Entry {
  /** What paths in the built file are relative to. */
  folder: string;
  specifier: string;
  /** What the config's `path` says. */
  shownPath: string;
}

/** The text of the entry ends up in the source map, so it holds no path of this machine. */
function entryOf(path: string, root: string | undefined): Entry {
  if (hostSubpaths.includes(path)) {
    return { folder: resolve(root ?? applicationRoot()), specifier: path, shownPath: path };
  }
  const file = resolvePlugin(path, root);
  const specifier = `./${basename(file)}`;
  return { folder: dirname(file), specifier, shownPath: namesFile(path) ? specifier : path };
}

/** Which plugins there are is known only when the bundle was loaded. */
function manifestOf(bundled: Bundle, folder: string | undefined): Manifest {
  const { name, version } = packageOf(folder);
  return {
    schema: 1,
    plugins: [],
    host: bundled.host,
    ...(typeof name === "string" && { package: name }),
    ...(typeof version === "string" && { version }),
    builtWith: { esbuild: bundled.esbuildVersion, "ts-micro": hostVersion() },
  };
}

/** The number of lines stays, so the source map stays right. */
function withManifest(bundled: Bundle, manifest: Manifest): string {
  return manifestLine(manifest) + bundled.code.slice(placeholderLine.length);
}

function packageOf(folder: string | undefined): { name?: unknown; version?: unknown } {
  const home = folder === undefined ? undefined : nearestPackage(folder);
  return home === undefined ? {} : readPackageJson(home);
}

/**
 * Loads the bundle once, from a private folder where nothing of the source can be found, and gives what its
 * manifest says of it.
 */
async function describe(
  code: string,
  fileName: string,
  named: string,
  timeoutMs: number,
): Promise<readonly ManifestPlugin[]> {
  const folder = await mkdtemp(join(tmpdir(), "ts-micro-plugin-"));
  try {
    const path = join(folder, fileName);
    await writeFile(path, code);
    const answer = await askThread({ named, path, timeoutMs });
    if ("plugins" in answer) return answer.plugins;
    const { failure } = answer;
    throw new PluginError({
      ...failure,
      phase: "build",
      path: named,
      cure:
        failure.code === "PLUGIN_NOT_A_CONFIG"
          ? "Export Plugin from the source, or give name, type and newFunc."
          : failure.cure,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A thread can be ended even while the plugin's code loops for ever. */
function askThread(request: DescribeRequest): Promise<DescribeAnswer> {
  const script = new URL(`./describe${extname(import.meta.url)}`, import.meta.url);
  // What the plugin prints while it is imported is not the builder's output.
  const thread = new Worker(script, { workerData: request, execArgv: [], stdout: true, stderr: true });
  return new Promise<DescribeAnswer>((resolve) => {
    const settle = (answer: DescribeAnswer): void => {
      clearTimeout(limit);
      resolve(answer);
    };
    const fail = (code: PluginErrorCode, what: string): void =>
      settle({ failure: { code, what, cure: "A module should do no work while it is imported." } });
    // Later than the thread's own limit, whose error says more.
    const limit = setTimeout(() => {
      fail("PLUGIN_IMPORT_TIMEOUT", `importing did not end within ${formatDuration(request.timeoutMs)}`);
    }, request.timeoutMs + 2_000);
    thread.once("message", settle);
    thread.once("error", (error) => fail("PLUGIN_IMPORT_FAILED", `importing threw ${reasonOf(error)}`));
    thread.once("exit", (code) =>
      fail("PLUGIN_IMPORT_FAILED", `importing ended the process with code ${code}`),
    );
  }).finally(() => thread.terminate());
}
