import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { errorReasons } from "../src/errors.ts";
import { pluginErrorCodes, pluginPhases } from "../src/plugin/index.ts";

/** The cells of each table row in docs/errors.md whose first cell is code. This file runs in dist/test. */
const rows = readFileSync(new URL("../../../../docs/errors.md", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| `"))
  .map((line) =>
    line
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim()),
  );
const codeRows = rows.filter(([code]) => code!.startsWith("`PLUGIN_"));
const reasonRows = rows.filter(([code]) => !code!.startsWith("`PLUGIN_"));

test("docs/errors.md has every code and every reason once, and no other", () => {
  assert.deepEqual(
    codeRows.map(([code]) => code).sort(),
    pluginErrorCodes.map((code) => `\`${code}\``).sort(),
  );
  assert.deepEqual(
    reasonRows.map(([reason]) => reason),
    errorReasons.map((reason) => `\`${reason}\``),
  );
});

test("each code names phases that exist, each reason a status, and both say something", () => {
  for (const [code, phases, text] of codeRows) {
    for (const phase of phases!.split(", "))
      assert.ok(
        pluginPhases.some((known) => known === phase),
        code,
      );
    assert.match(text!, /^[A-Z`].{15,}[.`]$/, code);
  }
  for (const [reason, status, text] of reasonRows) {
    assert.match(status!, /^[45]\d\d$/, reason);
    assert.match(text!, /^[A-Z`].{10,}[.?]$/, reason);
  }
});
