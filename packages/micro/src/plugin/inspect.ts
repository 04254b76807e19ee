/**
 * Looks at a plugin without running any of it.
 */
import { extname } from "node:path";
import { type Manifest, readManifest } from "./manifest.ts";
import type { LoadOptions } from "./plugin.ts";
import { readPlugin } from "./read.ts";
import { resolvePlugin } from "./resolve.ts";

export interface Inspection {
  /** The file, links resolved. */
  path: string;
  /** Length of the file. */
  bytes: number;
  /** Hexadecimal. */
  sha256: string;
  /** `built` has a manifest; the others are written by hand, and only loading them shows what they are. */
  form: "built" | "javascript" | "typescript";
  manifest?: Manifest;
}

/** @throws PluginError phase `resolve`, `read` or `manifest` */
export async function inspect(path: string, options: Pick<LoadOptions, "root"> = {}): Promise<Inspection> {
  const file = await readPlugin(path, resolvePlugin(path, options.root));
  const manifest = readManifest(file.text, path);
  const form = /^\.[mc]?ts$/.test(extname(file.path)) ? "typescript" : "javascript";
  return {
    path: file.path,
    bytes: file.bytes,
    sha256: file.sha256,
    form: manifest === undefined ? form : "built",
    ...(manifest !== undefined && { manifest }),
  };
}
