import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { usageOf } from "../src/command.ts";
import { commands } from "../src/commands.ts";

/** This file runs in `packages/cli/dist/test`. Its consoles are played with those of all documents. */
const guide = readFileSync(new URL("../../../../docs/guide/command.md", import.meta.url), "utf8");

test("the guide has a row for every command, and no other", () => {
  const rows = [...guide.matchAll(/^\| `(micro [^`]+)` \|/gm)].map(([, usage]) => usage);
  assert.deepEqual(
    rows.toSorted(),
    commands.map((command) => usageOf(command).replace(" [options]", "")).toSorted(),
  );
});

test("the guide speaks of every flag, and shows each command at work", () => {
  for (const { name, flags } of commands) {
    assert.ok(guide.includes(`\n$ micro ${name}`), `${name} in a console`);
    for (const flag of flags) {
      const written = flag.name.length === 1 ? `-${flag.name}` : `--${flag.name}`;
      assert.match(guide, new RegExp(`[\`\\s]${written}[\`=\\s]`), `${written} of ${name}`);
    }
  }
});
