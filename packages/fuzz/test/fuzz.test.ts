import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { mutated } from "../src/mutate.ts";
import { pieces, splits } from "../src/pieces.ts";
import { newRandom } from "../src/random.ts";

const bytes = Buffer.from("POST / HTTP/1.1\r\nHost: a\r\n\r\n");

test("a seed gives the same choices each time, another one others", () => {
  const draw = (seed: number) => {
    const random = newRandom(seed);
    return [random.bytes(8).toString("hex"), random.text(8, "abc"), mutated(random, bytes).toString("hex")];
  };
  assert.deepEqual(draw(1), draw(1));
  assert.notDeepEqual(draw(1), draw(2));
});

test("pieces and splits lose nothing, and every place is cut", () => {
  const random = newRandom(1);
  for (let n = 0; n < 200; n++) assert.deepEqual(Buffer.concat(pieces(random, bytes)), bytes);
  const all = [...splits(random, bytes)];
  for (const cut of all) assert.deepEqual(Buffer.concat(cut), bytes);
  assert.equal(new Set(all.map((cut) => cut.map(({ length }) => length).join())).size, bytes.length + 1);
});

test("a mutation leaves the original alone, and makes all kinds of damage", () => {
  const before = bytes.toString();
  const random = newRandom(1);
  const made = new Set<string>();
  for (let n = 0; n < 500; n++) made.add(mutated(random, bytes, ["chunked"]).toString("latin1"));
  assert.equal(bytes.toString(), before);
  assert.ok(made.size > 400, `${made.size} different ones`);
  const texts = [...made];
  assert.ok(texts.some((text) => text.includes("chunked")));
  assert.ok(texts.some((text) => text.length < bytes.length));
  assert.ok(texts.some((text) => text.length > bytes.length));
});

const planted = `
  import { fuzzTest } from ${JSON.stringify(new URL("../src/fuzz-test.js", import.meta.url).href)};
  if (process.env.MENDED) fuzzTest("sound", { rounds: 1 }, () => {});
  fuzzTest("planted", { rounds: 500, roundTimeoutMs: 50 }, (random) => {
    const drawn = random.below(100);
    if (process.env.HANGS) return new Promise(() => {});
    if (drawn === 7 && !process.env.MENDED) throw new Error("seven was drawn");
  });
`;

test("a bug is found, and the seed that is named finds it at once", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "ts-micro-fuzz-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "planted.mjs");
  writeFileSync(file, planted);
  const run = (env: Record<string, string>) => {
    const { PATH } = process.env;
    const { status, stdout } = spawnSync(process.execPath, ["--test-reporter=spec", file], {
      env: { PATH, ...env },
      encoding: "utf8",
    });
    return { status, stdout };
  };
  const first = run({});
  assert.equal(first.status, 1);
  assert.match(first.stdout, /seven was drawn/);
  const [, round, seed] =
    /round (\d+) failed; again with FUZZ_SEED=(\d+) FUZZ_ROUNDS=1/.exec(first.stdout) ?? [];
  assert.ok(Number(round) > 0, first.stdout);
  const again = run({ FUZZ_SEED: seed ?? "", FUZZ_ROUNDS: "1" });
  assert.equal(again.status, 1);
  assert.match(again.stdout, /round 0 failed/);
  assert.equal(run({ FUZZ_SEED: String(Number(seed) + 1), FUZZ_ROUNDS: "1" }).status, 0);
  assert.match(run({ HANGS: "1", FUZZ_ROUNDS: "1" }).stdout, /the round hangs/);
  // Both tests of the file have had their turn.
  const timed = run({ FUZZ_MINUTES: "0.005", MENDED: "1" });
  assert.equal(
    timed.stdout.match(/[1-9]\d* rounds from seed \d+, at most \d+ MiB/g)?.length,
    2,
    timed.stdout,
  );
});
