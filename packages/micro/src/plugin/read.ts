/**
 * Phase `read`: the bytes of the file, once, before any of it runs.
 */
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { basename, extname } from "node:path";
import { PluginError, type PluginErrorCode, reasonOf } from "./plugin-error.ts";
import { scriptExtensions } from "./resolve.ts";

export interface PluginFile {
  /** As it was named by whoever asked for it. */
  named: string;
  /** Real path. */
  path: string;
  text: string;
  bytes: number;
  /** Hexadecimal. */
  sha256: string;
}

/** @throws PluginError phase `read` when this can't be a script */
export async function readPlugin(named: string, path: string): Promise<PluginFile> {
  const failure = (code: PluginErrorCode, what: string, cure: string, cause?: unknown): PluginError =>
    new PluginError({ phase: "read", code, path: named, what, cure, cause });

  const extension = extname(path);
  if (!scriptExtensions.includes(extension)) {
    const what = foreignForms[extension] ?? "a plugin's file must end in .mjs, .js, .cjs or .ts";
    throw failure(
      "PLUGIN_NOT_JAVASCRIPT",
      `${basename(path)} is not a plugin: ${what}`,
      "Name a JavaScript module.",
    );
  }
  let content: Buffer;
  try {
    // Reading a pipe would wait for ever.
    const isFile = (await stat(path)).isFile();
    if (!isFile)
      throw failure("PLUGIN_UNREADABLE", `${path} is not a regular file`, "Name a JavaScript module.");
    content = await readFile(path);
  } catch (cause) {
    if (PluginError.is(cause)) throw cause;
    throw failure(
      "PLUGIN_UNREADABLE",
      `can't read ${path}: ${reasonOf(cause)}`,
      "Give the user that runs the program permission to read it.",
      cause,
    );
  }
  const text = decode(content);
  if (text === undefined) {
    throw failure("PLUGIN_NOT_JAVASCRIPT", `${basename(path)} is not a text file`, "Build the plugin again.");
  }
  if (text.trim() === "") {
    throw failure("PLUGIN_EMPTY", `${basename(path)} is empty`, "Build or copy the plugin again.");
  }
  const sha256 = createHash("sha256").update(content).digest("hex");
  return { named, path, text, bytes: content.length, sha256 };
}

const foreignForms: Record<string, string> = {
  ".so": "a .so is a Go plugin or another native library, ts-micro loads JavaScript modules",
  ".node": "a native addon can't describe itself, wrap it in a module that exports Plugin",
  ".json": "JSON can't hold newFunc",
  ".wasm": "wrap WebAssembly in a module that exports Plugin",
};

/** `undefined` for what no JavaScript file contains: bytes that are no UTF-8, or NUL. */
function decode(content: Buffer): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(content);
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
}
