import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

/** What Node loads of its own beyond what a bare process has, when this module is imported. */
function loadedBy(specifier: string): string[] {
  // From Node 22 on, util alone brings worker threads along.
  const program = `
    await import("node:util");
    const before = new Set(process.moduleLoadList);
    await import(${JSON.stringify(specifier)});
    const after = process.moduleLoadList.filter((module) => !before.has(module));
    console.log(JSON.stringify(after.map((module) => module.replace("NativeModule ", ""))));
  `;
  const index = new URL("../src/", import.meta.url);
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    cwd: index,
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

test("importing ts-micro loads none of Node's larger parts: those come with the first use", () => {
  const loaded = loadedBy("ts-micro");
  assert.ok(loaded.includes("dgram"), "the list is that of Node's parts");
  const larger = ["child_process", "http", "http2", "https", "inspector", "tls", "worker_threads", "zlib"];
  assert.deepEqual(
    larger.filter((name) => loaded.includes(name)),
    [],
  );
  assert.ok(loadedBy("node:https").includes("tls"), "it would be seen");
});
