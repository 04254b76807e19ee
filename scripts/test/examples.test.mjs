import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { filesBelow, readManifest, root, subfolders } from "../workspace.mjs";

const examples = subfolders("examples").filter((folder) =>
  filesBelow(join(root, folder)).includes("package.json"),
);

for (const folder of examples) {
  test(`${folder}: npm start prints what its README says`, async () => {
    const wanted = promisedLines(join(root, folder, "README.md"));
    const { lines, code, all } = await npmStart(join(root, folder));
    assert.equal(code, 0, all);
    for (const line of new Set(wanted)) {
      const count = (list) => list.filter((each) => each === line).length;
      assert.equal(count(lines), count(wanted), `times that "${line}" was printed, in:\n${all}`);
    }
  });

  test(`${folder}: small files, no published package`, () => {
    const long = filesBelow(join(root, folder))
      .filter((file) => /^(src\/.*\.ts|[^/]*\.mjs)$/.test(file))
      .filter((file) => !file.endsWith("_pb.ts")) // generated
      .filter((file) => readFileSync(join(root, folder, file), "utf8").split("\n").length > 100);
    assert.deepEqual(long, [], "files of more than 100 lines");
    assert.equal(readManifest(join(root, folder)).private, true);
  });
}

test("there are examples", () => {
  assert.ok(examples.length >= 7);
});

/** The lines of the README's text block. */
function promisedLines(file) {
  const [, block] = /```text\n([\s\S]*?)```/.exec(readFileSync(file, "utf8")) ?? [];
  assert.ok(block, `${file} has a text block with what is printed`);
  return block.split("\n").filter((line) => line !== "");
}

async function npmStart(cwd) {
  const child = spawn("npm", ["start", "--silent"], {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    shell: process.platform === "win32",
  });
  let [stdout, all] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text) => {
    stdout += text;
    all += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    all += text;
  });
  const [code, signal] = await once(child, "close");
  return { lines: stdout.split("\n"), code: signal ?? code, all };
}
