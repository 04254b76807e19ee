import { randomBytes } from "node:crypto";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { PluginError, reasonOf } from "./plugin-error.ts";

/**
 * Puts files in place, in the given order, each complete or not at all: they are written beside their targets
 * under names that nobody else uses, and then renamed. Makes the folders.
 * @throws PluginError phase `build`
 */
export async function writeWhole(
  files: readonly { path: string; text: string }[],
  named: string,
): Promise<void> {
  const mark = `${process.pid}-${randomBytes(6).toString("hex")}`;
  const temporary = (path: string): string => `${path}.${mark}.tmp`;
  try {
    for (const { path, text } of files) {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(temporary(path), text, { flush: true });
    }
    for (const { path } of files) await rename(temporary(path), path);
  } catch (cause) {
    await Promise.all(files.map(({ path }) => rm(temporary(path), { force: true }).catch(() => undefined)));
    throw new PluginError({
      phase: "build",
      code: "PLUGIN_WRITE_FAILED",
      path: named,
      what: `can't write the plugin: ${reasonOf(cause)}`,
      cure: "Choose another place, or make room there.",
      cause,
    });
  }
}
