import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const runner = fileURLToPath(new URL("../test.mjs", import.meta.url));
const workspace = mkdtempSync(join(tmpdir(), "ts-micro-runner-"));
after(() => rmSync(workspace, { recursive: true, force: true }));

const head = `import { describe, test } from "node:test";\n`;

write(
  "scripts/test/good.test.mjs",
  `test("one", async (t) => { await t.test("two", () => {}); });
   describe("a suite", () => { test("three", () => {}); });`,
);
write(
  "scripts/test/skips.test.mjs",
  `test("runs", () => {});
   test("needs nats", { skip: "nats-server is missing" }, () => {});
   describe("whole suite", { skip: "not on this system" }, () => { test("never", () => {}); });`,
);
write("scripts/test/fails.test.mjs", `test("wrong", () => { throw new Error("the reason"); });`);
write(
  "scripts/test/unstable.test.mjs",
  `import { existsSync, writeFileSync } from "node:fs";
   test("wrong at first", () => {
     if (existsSync("tried")) return;
     writeFileSync("tried", "");
     throw new Error("the first time");
   });`,
);
write("scripts/test/exits.test.mjs", `test("leaves", () => process.exit(0)); test("is lost", () => {});`);
write(
  "scripts/test/killed.test.mjs",
  `test("dies", async () => { process.kill(process.pid, "SIGKILL"); await new Promise(() => {}); });`,
);
write(
  "scripts/test/late.test.mjs",
  `test("fine", () => {}).then(() => setTimeout(() => process.exit(3), 50));`,
);
write("scripts/test/empty.test.mjs", "");
write("scripts/test/broken.test.mjs", `import "./missing.mjs";`);
write(
  "scripts/test/hangs.test.mjs",
  `import { spawn } from "node:child_process";
   process.on("SIGTERM", () => {});
   const server = 'require("net").createServer().listen(0, "127.0.0.1", function () { console.log("port=" + this.address().port); })';
   test("starts a server", () => { spawn(process.execPath, ["-e", server], { stdio: "inherit" }); });`,
);
for (const folder of ["packages/micro", "packages/other"]) {
  write(`${folder}/dist/test/there.test.js`, `test("there", () => {});`);
  write(`${folder}/test/there.test.ts`, "");
  write(`${folder}/dist/test/stale.test.js`, `test("stale", () => { throw new Error("has no source"); });`);
}

function write(path, text) {
  const file = join(workspace, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, head + text);
}

function run(args, env = {}) {
  const { stdout, status } = spawnSync(process.execPath, [runner, ...args], {
    cwd: workspace,
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  return { stdout, status, lastLine: stdout.trimEnd().split("\n").at(-1) };
}

test("the last line counts tests, and suites not at all", () => {
  const { status, lastLine } = run(["good"]);
  assert.equal(lastLine, "3 passed, 0 failed, 0 skipped");
  assert.equal(status, 0);
});

test("every skip is listed with its reason, a skipped suite once", () => {
  const { stdout, status, lastLine } = run(["skips"]);
  assert.match(stdout, /^skipped: scripts\/test\/skips.test.mjs: needs nats: nats-server is missing$/m);
  assert.match(stdout, /^skipped: scripts\/test\/skips.test.mjs: whole suite: not on this system$/m);
  assert.equal(lastLine, "1 passed, 0 failed, 2 skipped");
  assert.equal(status, 0);
});

test("a failing test is named, and what its file printed is shown", () => {
  const { stdout, status, lastLine } = run(["fails"]);
  assert.match(stdout, /the reason/);
  assert.match(stdout, /^failed: scripts\/test\/fails.test.mjs: wrong$/m);
  assert.equal(lastLine, "0 passed, 1 failed, 0 skipped");
  assert.equal(status, 1);
});

test("with --second-try, what fails once is named unstable, and what fails twice is failed", () => {
  const { stdout, status, lastLine } = run(["unstable", "good", "--second-try"]);
  assert.match(stdout, /^unstable: scripts\/test\/unstable.test.mjs: wrong at first$/m);
  assert.equal(lastLine, "4 passed, 0 failed, 0 skipped");
  assert.equal(status, 0);
  assert.equal(run(["fails", "--second-try"]).lastLine, "0 passed, 1 failed, 0 skipped");
});

for (const [name, problem] of [
  ["exits", "no test in it ran, it ended with code 0"],
  ["killed", "was ended by SIGKILL"],
  ["late", "ended with code 3 before its tests did"],
  ["empty", "no test in it ran, it ended with code 0"],
  ["broken", "no test in it ran, it ended with code 1"],
]) {
  test(`a file is failed when it ${name}`, () => {
    const { stdout, status } = run([name]);
    assert.ok(stdout.includes(`failed: scripts/test/${name}.test.mjs: ${problem}\n`), stdout);
    assert.equal(status, 1);
  });
}

test("a file that hangs is failed and ended, with what it started", async () => {
  const { stdout, status } = run(["hangs"], { TEST_FILE_TIMEOUT_MS: "4000" });
  assert.match(stdout, /^failed: scripts\/test\/hangs.test.mjs: still ran after 4000 ms$/m);
  assert.equal(status, 1);
  const port = Number(/port=(\d+)/.exec(stdout)[1]);
  await assert.rejects(once(connect(port, "127.0.0.1"), "connect"), { code: "ECONNREFUSED" });
});

test("compiled tests without a source are ignored; --unit leaves out all but the framework and the plugins", () => {
  const totals = join(workspace, "totals.json");
  assert.equal(run(["dist/"]).lastLine, "2 passed, 0 failed, 0 skipped");
  assert.equal(run(["--unit", "--totals", totals]).lastLine, "1 passed, 0 failed, 0 skipped");
  assert.deepEqual(JSON.parse(readFileSync(totals, "utf8")), { passed: 1, failed: 0, skipped: 0 });
});

test("a filter that matches nothing is a failure", () => {
  const { status, lastLine } = run(["nowhere"]);
  assert.equal(lastLine, "0 passed, 1 failed, 0 skipped");
  assert.equal(status, 1);
});
