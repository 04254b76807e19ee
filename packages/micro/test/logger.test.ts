import assert from "node:assert/strict";
import { test } from "node:test";
import { logLevels, newLogger } from "../src/logger.ts";

function recording(level?: string) {
  const lines: string[] = [];
  return { lines, logger: newLogger({ level, write: (line) => lines.push(line) }) };
}

/** Without the time. */
function textOf(line: string | undefined): string | undefined {
  return line?.replace(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d /, "");
}

test("a line has the time, the fields in order, the level among them, and the message", () => {
  const { lines, logger } = recording();
  logger.warn("interface failed", { registry: "mdns", attempt: 2, gone: undefined });
  assert.match(lines[0]!, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d /);
  assert.equal(textOf(lines[0]), "attempt=2 level=warn registry=mdns  interface failed\n");
});

test("what is below the level isn't written; an unknown level is info, as in go-micro", () => {
  for (const [index, level] of logLevels.entries()) {
    const { lines, logger } = recording(level.toUpperCase());
    for (const each of logLevels) logger.log(each, each);
    assert.deepEqual(
      lines.map((line) => line.trimEnd().split("  ")[1]),
      logLevels.slice(index),
    );
  }
  assert.equal(recording("loud").logger.level, "info");
  assert.equal(recording().logger.level, "info");
});

test("a child has more fields, and changes its parent in nothing", () => {
  const { lines, logger } = recording("trace");
  const child = logger.child({ service: "greeter", level: "mine" });
  child.trace("one", { service: "other" });
  child.child({ node: "a b" }).debug("two");
  logger.error("three");
  assert.deepEqual(lines.map(textOf), [
    "level=trace service=other  one\n",
    'level=debug node="a b" service=greeter  two\n',
    "level=error  three\n",
  ]);
});

test("no text forges a line or steers the terminal", () => {
  const { lines, logger } = recording();
  logger.info("first\r\n2026-01-01 00:00:00 level=error  forged", {
    id: "x\n\u001b[31m\u009b1m",
    key: 'a="b"',
  });
  assert.equal(lines.length, 1);
  assert.equal(
    textOf(lines[0]),
    'id="x\\n\\u001b[31m 1m" key="a=\\"b\\"" level=info  first 2026-01-01 00:00:00 level=error  forged\n',
  );
});
