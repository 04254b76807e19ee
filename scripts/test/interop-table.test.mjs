import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const scratch = mkdtempSync(join(tmpdir(), "ts-micro-table-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const script = fileURLToPath(new URL("../interop-table.mjs", import.meta.url));
const page = join(scratch, "page.md");
const empty = "# Page\n<!-- table: x -->\n<!-- end of table -->\nThe end.\n";

const file = "interop/dist/test/x.test.js";
const cells = [
  { file, name: "unary: a → b", outcome: "passed" },
  { file, name: "unary: b → a", outcome: "failed" },
  { file, name: "stream: b → a [N1]", outcome: "passed" },
  { file, name: "no cell", outcome: "passed" },
  { file: "packages/micro/dist/test/x.test.js", name: "other: c → d", outcome: "passed" },
];

function run(records, ...flags) {
  const recordsFile = join(scratch, "records.json");
  writeFileSync(recordsFile, JSON.stringify(records));
  return spawnSync(process.execPath, [script, "--page", page, ...flags, recordsFile], { encoding: "utf8" });
}

test("the table holds the outcomes, and nothing else on the page changes", () => {
  writeFileSync(page, empty);
  assert.equal(run(cells).status, 0);
  const table = [
    "|  | a → b | b → a |",
    "| --- | --- | --- |",
    "| unary | ok | **failed** |",
    "| stream |  | [N1](#n1) |",
  ];
  assert.equal(readFileSync(page, "utf8"), empty.replace(" x -->\n", ` x -->\n${table.join("\n")}\n`));
  assert.equal(run(cells, "--check").status, 0);
});

test("a page that says something else fails the check, and is left as it is", () => {
  writeFileSync(page, empty);
  const { status, stderr } = run(cells, "--check");
  assert.equal(status, 1);
  assert.match(stderr, /npm run interop/);
  assert.equal(readFileSync(page, "utf8"), empty);
});

test("nothing is written of a run that skipped a table, or had none of it", () => {
  writeFileSync(page, empty);
  const skipped = [{ file, name: "a client and a server", outcome: "skipped" }];
  for (const records of [skipped, [...cells, ...skipped], []]) {
    const { status, stderr } = run(records);
    assert.equal(status, 1);
    assert.match(stderr, /the x table/);
    assert.equal(readFileSync(page, "utf8"), empty);
  }
});
