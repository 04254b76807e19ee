import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Arrived, messageHead } from "../../src/broker/mux-arrived.ts";
import { Line } from "../../src/mux/line.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

test("who keeps a message's id doesn't keep all that was read together", () => {
  const head = messageHead({ service: "", endpoint: "t-1", contentType: "", from: "" });
  const idOf = (at: number): string => {
    const line = new Line();
    line.text = Buffer.from(`m0 12345678-1234-4123-8123-${at} - ${"x".repeat(60_000)}`).toString("latin1");
    line.at = 3;
    line.end = line.text.length;
    return new Arrived(head, "t", line).message.header["Micro-Id"] as string;
  };
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  const ids = Array.from({ length: 1_000 }, (_, at) => idOf(1e11 + at));
  collectGarbage();
  const kept = process.memoryUsage().heapUsed - before;
  assert.equal(new Set(ids).size, 1_000);
  assert.ok(kept < 6_000_000, `${kept} bytes are kept, of 60 MB that came`);
});
