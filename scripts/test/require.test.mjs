import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { publishedPackages, root } from "../workspace.mjs";

for (const { folder, manifest } of publishedPackages()) {
  for (const subpath of Object.keys(manifest.exports ?? {})) {
    const specifier = join(manifest.name, subpath).replaceAll("\\", "/");
    test(`require("${specifier}") works from CommonJS`, () => {
      const program = `process.stdout.write(typeof require(${JSON.stringify(specifier)}));`;
      const { stdout, stderr, status } = spawnSync(
        process.execPath,
        ["--input-type=commonjs", "-e", program],
        {
          cwd: root,
          encoding: "utf8",
        },
      );
      assert.equal(stdout, "object", stderr);
      assert.equal(status, 0, stderr);
    });
  }
  for (const [command, file] of Object.entries(manifest.bin ?? {})) {
    test(`${manifest.name} has its command ${command} where package.json says`, () => {
      assert.ok(existsSync(join(root, folder, file)));
    });
  }
}
