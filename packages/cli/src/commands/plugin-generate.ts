import { resolve } from "node:path";
import { generate } from "ts-micro/plugin";
import { type Command, jsonFlag } from "../command.ts";
import { printJson, printLine } from "../print.ts";
import { sourceFlags, workOf } from "./plugin-source.ts";

export const pluginGenerate: Command = {
  name: "plugin generate",
  args: ["source-or-package"],
  summary: "Write the module that build would bundle, to read or to edit",
  flags: [...sourceFlags, jsonFlag],
  async run({ args: [path = ""], flags }) {
    const { source, target } = workOf(path, flags);
    await generate(target, source, { root: process.cwd() });
    if (flags.has("json")) printJson({ path: resolve(target) });
    else printLine(resolve(target));
  },
};
