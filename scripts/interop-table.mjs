/**
 * Writes the tables of docs/interop.md from the outcomes of a test run.
 *
 *     node scripts/interop-table.mjs [--check] [--page docs/interop.md] records.json
 *
 * `records.json` is what `scripts/test.mjs --records` wrote. A test of `interop/test/<table>.test.ts` that is named
 * `<row>: <column>` is a cell of the table between `<!-- table: <table> -->` and `<!-- end of table -->`; one named
 * `<row>: <column> [<note>]` shows a deviation that the page explains in a note of that name. `--check` writes
 * nothing and fails when the page says something else.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "./workspace.mjs";

const { values, positionals } = parseArgs({
  options: {
    check: { type: "boolean", default: false },
    page: { type: "string", default: join(root, "docs/interop.md") },
  },
  allowPositionals: true,
});
const records = JSON.parse(readFileSync(positionals[0], "utf8"));
const missing = new Set();

const before = readFileSync(values.page, "utf8");
const after = before.replace(
  /(<!-- table: (\S+) -->\n)[\s\S]*?(<!-- end of table -->)/g,
  (_, begin, name, end) => begin + tableOf(name) + end,
);
console.log(after.slice(after.indexOf("<!-- table: ")));

if (missing.size > 0) {
  console.error(`${values.page} is left as it is: no outcomes for ${[...missing].join(", ")}`);
  process.exitCode = 1;
} else if (!values.check) writeFileSync(values.page, after);
else if (before !== after) {
  console.error(`${values.page} says something else. Write it anew: npm run interop`);
  process.exitCode = 1;
}

function tableOf(name) {
  const rows = new Map();
  const columns = new Set();
  for (const record of records) {
    if (!record.file.endsWith(`interop/dist/test/${name}.test.js`)) continue;
    if (record.outcome === "skipped") missing.add(`the ${name} table (${record.name} was skipped)`);
    const [, row, column, note] = /^(.*): (.* → .*?)(?: \[(\w+)\])?$/.exec(record.name) ?? [];
    if (row === undefined) continue;
    columns.add(column);
    if (!rows.has(row)) rows.set(row, new Map());
    rows.get(row).set(column, cellOf(record.outcome, note));
  }
  if (rows.size === 0) missing.add(`the ${name} table`);
  const lines = [
    ["", ...columns],
    ["---", ...[...columns].map(() => "---")],
    ...[...rows].map(([row, cells]) => [row, ...[...columns].map((column) => cells.get(column) ?? "")]),
  ];
  return lines.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

function cellOf(outcome, note) {
  if (outcome !== "passed") return `**${outcome}**`;
  return note === undefined ? "ok" : `[${note}](#${note.toLowerCase()})`;
}
