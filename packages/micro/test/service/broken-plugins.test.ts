/** What a user sees of a broken plugin: one line, exit code 1, and never a stack. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { brokenPlugins, writeBrokenPlugin } from "../plugin/broken-plugins.ts";
import { runChild, scratch } from "./child.ts";

describe("under service.run(), a plugin that is broken by", { concurrency: 2 }, () => {
  for (const broken of brokenPlugins) {
    test(`${broken.name} is told in one line`, async (t) => {
      const folder = scratch(t);
      const path = writeBrokenPlugin(broken, folder);
      const ended = await runChild(t, {
        source: `
          const service = newService({ name: "program", root: ${JSON.stringify(folder)} });
          await service.run(async () => console.log("it ran"));`,
        argv: [
          "--plugin",
          path,
          ...(broken.phase === "construct" ? [`--broker=${broken.key ?? "broken"}`] : []),
        ],
        env: { MICRO_PLUGIN_TIMEOUT: broken.code === "PLUGIN_IMPORT_TIMEOUT" ? "300ms" : "20s" },
      });
      assert.equal(ended.code, 1, ended.stderr);
      assert.equal(ended.stdout, "");
      assert.match(ended.stderr, /^program: [^\n]+\n$/);
      assert.ok(ended.stderr.includes(broken.code), ended.stderr);
    });
  }
});
