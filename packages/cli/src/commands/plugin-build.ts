import { build } from "ts-micro/plugin";
import { type Command, jsonFlag } from "../command.ts";
import { printJson, printLine } from "../print.ts";
import { sourceFlags, workOf } from "./plugin-source.ts";

export const pluginBuild: Command = {
  name: "plugin build",
  args: ["source-or-package"],
  summary: "Bundle a plugin into one file that works from any folder",
  flags: [...sourceFlags, jsonFlag],
  async run({ args: [path = ""], flags }) {
    const { source, target } = workOf(path, flags);
    const result = await build(target, source, { root: process.cwd() });
    for (const warning of result.warnings) process.stderr.write(`${warning.trimEnd()}\n`);
    if (flags.has("json")) printJson(result);
    else printLine(`${result.path}  ${result.bytes} bytes`);
  },
};
