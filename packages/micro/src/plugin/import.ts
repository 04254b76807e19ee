/**
 * Phase `import`: runs the module, within a time limit, and says what stopped it.
 */
import { basename, extname, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { formatDuration } from "../duration.ts";
import type { Namespace } from "./module.ts";
import { PluginError, type PluginErrorCode, reasonOf } from "./plugin-error.ts";
import type { PluginFile } from "./read.ts";

/** What went wrong with a file before; the next attempt needs another URL. */
interface Failed {
  attempts: number;
  cause: unknown;
}

const failed = new Map<string, Failed>();

/**
 * Node keeps a module that failed, by its URL. So a further attempt gets a URL of its own, and a mended
 * file loads. What the file imports keeps its URL: a dependency that failed may stay failed.
 * @throws PluginError phase `import`
 */
export async function importPlugin(file: PluginFile, timeoutMs: number): Promise<Namespace> {
  const before = failed.get(file.path);
  const url = pathToFileURL(file.path);
  if (before !== undefined) url.search = `sha256=${file.sha256}&attempt=${before.attempts + 1}`;
  const importing: Promise<Namespace> = import(url.href);
  try {
    const namespace = await withinLimit(importing, timeoutMs, () => timedOut(file, timeoutMs));
    failed.delete(file.path);
    return namespace;
  } catch (cause) {
    failed.set(file.path, { attempts: (before?.attempts ?? 0) + 1, cause });
    if (PluginError.is(cause)) throw cause;
    throw await explain(file, cause, before);
  }
}

/** The timer keeps the process alive: an import that never settles would let Node exit without a word. */
async function withinLimit<T>(work: Promise<T>, timeoutMs: number, error: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(error()), Math.min(timeoutMs, 0x7fff_ffff));
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

function timedOut(file: PluginFile, timeoutMs: number): PluginError {
  return failure(
    file,
    "PLUGIN_IMPORT_TIMEOUT",
    `importing did not end within ${formatDuration(timeoutMs)}`,
    "Remove the top-level await that doesn't settle, or raise MICRO_PLUGIN_TIMEOUT.",
  );
}

async function explain(file: PluginFile, cause: unknown, before: Failed | undefined): Promise<PluginError> {
  // Only a module that Node kept can fail with the very same object again.
  if (typeof cause === "object" && cause !== null && cause === before?.cause) {
    return failure(
      file,
      "PLUGIN_DEPENDENCY_FAILED",
      `a module it imports failed before, and Node keeps that: ${reasonOf(cause)}`,
      "Fix that module, then start the process again.",
      cause,
    );
  }
  const code = errorCode(cause);
  if (code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND") return dependencyMissing(file, cause);
  if (isTypeScript(file.path) && typescriptCodes.has(code)) return typescriptUnsupported(file, cause);
  if (cause instanceof SyntaxError) return syntaxError(file, cause);
  const at = placeInStack(cause);
  if (at !== undefined && !stackMentions(cause, file.path)) {
    return failure(
      file,
      "PLUGIN_DEPENDENCY_FAILED",
      `a module it imports threw ${reasonOf(cause)} (${at})`,
      "Fix that module, then start the process again: Node keeps a module that failed.",
      cause,
    );
  }
  return failure(
    file,
    "PLUGIN_IMPORT_FAILED",
    `importing threw ${reasonOf(cause)}${at === undefined ? "" : ` (${at})`}`,
    "Fix the plugin; a module should do no work while it is imported.",
    cause,
  );
}

function dependencyMissing(file: PluginFile, cause: unknown): PluginError {
  const [sentence = ""] = reasonOf(cause).split(" Require stack:");
  return failure(
    file,
    "PLUGIN_DEPENDENCY_MISSING",
    `importing failed: ${sentence}`,
    "Install it where the plugin lies, or bundle it: micro plugin build.",
    cause,
  );
}

const typescriptCodes: ReadonlySet<unknown> = new Set([
  "ERR_UNKNOWN_FILE_EXTENSION",
  "ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING",
  "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX",
  "ERR_INVALID_TYPESCRIPT_SYNTAX",
  "ERR_NO_TYPESCRIPT",
]);

function typescriptUnsupported(file: PluginFile, cause: unknown): PluginError {
  const build = `Run: micro plugin build ${file.named}`;
  const code = errorCode(cause);
  const [what, cure] =
    code === "ERR_UNKNOWN_FILE_EXTENSION" || code === "ERR_NO_TYPESCRIPT"
      ? [`Node ${process.versions.node} can't load TypeScript`, `${build}, or use Node 22.18 or newer.`]
      : file.path.includes(`${sep}node_modules${sep}`)
        ? ["Node loads no TypeScript below node_modules", "Name the package's compiled module."]
        : [`Node can't load this TypeScript: ${reasonOf(cause)}`, `${build}.`];
  return failure(file, "PLUGIN_TYPESCRIPT_UNSUPPORTED", what, cure, cause);
}

async function syntaxError(file: PluginFile, cause: SyntaxError): Promise<PluginError> {
  const shown = /^(?:file:\/\/)?(\S.*?):(\d+)\r?\n/.exec(cause.stack ?? "");
  const place = shown !== null ? `${basename(shown[1]!)}:${shown[2]}` : await placeOfSyntaxError(file.path);
  return failure(
    file,
    "PLUGIN_SYNTAX",
    `importing failed with ${reasonOf(cause)} (${place ?? "in a module that it imports"})`,
    "Fix that line.",
    cause,
  );
}

/**
 * Node tells nobody but its own printer where the text of an ESM module is wrong; `node --check` prints it.
 * `undefined` when the text of this file is right.
 */
function placeOfSyntaxError(path: string): Promise<string | undefined> {
  const { execFile } = process.getBuiltinModule("node:child_process");
  const { NODE_OPTIONS: _, ...env } = process.env;
  return new Promise((resolve) => {
    execFile(process.execPath, ["--check", path], { env, timeout: 10_000 }, (error, _out, stderr) => {
      const line = /:(\d+)\r?\n/.exec(stderr)?.[1];
      resolve(error === null ? undefined : `${basename(path)}${line === undefined ? "" : `:${line}`}`);
    });
  });
}

/** `dependency.mjs:3`: the innermost frame of a stack that lies in a file. */
function placeInStack(thrown: unknown): string | undefined {
  const frame = /^ +at (?:async )?(?:.*\()?((?:file:\/\/|\/|[A-Za-z]:\\).+?):(\d+):\d+\)?$/m.exec(
    stackOf(thrown),
  );
  if (frame === null) return undefined;
  const file = frame[1]!.startsWith("file:") ? fileURLToPath(frame[1]!.replace(/\?.*$/, "")) : frame[1]!;
  return `${basename(file)}:${frame[2]}`;
}

function stackMentions(thrown: unknown, path: string): boolean {
  const stack = stackOf(thrown);
  return stack.includes(pathToFileURL(path).href) || stack.includes(`${path}:`);
}

/** The frames of the modules that ran; ours, which imported them, follow. */
function stackOf(thrown: unknown): string {
  const stack = thrown instanceof Error && typeof thrown.stack === "string" ? thrown.stack : "";
  const lines = stack.split("\n");
  const ours = lines.findIndex((line) => line.includes(import.meta.url));
  return lines.slice(0, ours === -1 ? lines.length : ours).join("\n");
}

function isTypeScript(path: string): boolean {
  return [".ts", ".mts", ".cts"].includes(extname(path));
}

function errorCode(thrown: unknown): unknown {
  return thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
}

function failure(
  file: PluginFile,
  code: PluginErrorCode,
  what: string,
  cure: string,
  cause?: unknown,
): PluginError {
  return new PluginError({ phase: "import", code, path: file.named, what, cure, cause });
}
