/**
 * Runs the compiled tests of the workspace below the working directory.
 *
 *     node scripts/test.mjs [--unit] [--second-try] [--verbose] [--totals file.json] [--records file.json] [part of a file name...]
 *
 * Each file is a process group of its own, so that one that hangs is ended with everything it started. A
 * file fails when a test in it fails, when it ends too early or never, and when there is no test in it.
 * With `--second-try`, files that failed run once more when all others are done, each alone; what fails only beside
 * others is named `unstable`, to be mended, and is no failure of the run.
 * `--records` writes the outcome of each test, `--totals` how many there were.
 * The mutations of our own parts, whose point is whether the suites would notice mistakes, take minutes and are run
 * when they are asked for by name: `mutations`.
 * The last line on stdout is `N passed, N failed, N skipped`, counting tests.
 */
import { existsSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runTestFile } from "./run-test-file.mjs";
import { filesBelow, subfolders } from "./workspace.mjs";

/** A file that takes longer hangs. The slowest one needs a tenth of it. */
const fileTimeoutMs = Number(process.env.TEST_FILE_TIMEOUT_MS ?? 180_000);

/** Tests of outages wait for servers that are dead or silent, and leave the processor to a lane more. */
const mostlyWaits = /[/.](kill|recovery|serve|silence|stopped)\.test\.js$/;

const { values, positionals } = parseArgs({
  options: {
    unit: { type: "boolean", default: false },
    "second-try": { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
    totals: { type: "string" },
    records: { type: "string" },
  },
  allowPositionals: true,
});

const files = listTestFiles(values.unit).filter((file) =>
  positionals.length === 0
    ? !/\/mutations-[^/]*$/.test(file)
    : positionals.some((part) => file.includes(part)),
);
const totals = { passed: 0, failed: 0, skipped: 0 };
const skips = [];
const failures = [];
const unstable = [];
const outcomes = [];
const failedOnce = [];

const idle = files.filter((file) => mostlyWaits.test(file));
const busy = files.filter((file) => !idle.includes(file));
const cores = Math.max(2, availableParallelism());
await Promise.all([lane(idle), ...Array.from({ length: cores }, () => lane(busy, idle))]);
for (const { file, problems } of failedOnce) {
  const result = await runTestFile(file, fileTimeoutMs);
  if (problemsOf(result).length === 0) unstable.push(...problems.map((problem) => `${file}: ${problem}`));
  report(file, result);
}

if (files.length === 0) {
  totals.failed += 1;
  failures.push(`no test file matches ${positionals.join(" ") || "(nothing is built: npm run build)"}`);
}
for (const { file, name, reason } of skips) console.log(`skipped: ${file}: ${name}: ${reason}`);
for (const problem of unstable) console.log(`unstable: ${problem}`);
for (const failure of failures) console.log(`failed: ${failure}`);
if (values.totals !== undefined) writeFileSync(values.totals, `${JSON.stringify(totals)}\n`);
if (values.records !== undefined) writeFileSync(values.records, `${JSON.stringify(outcomes)}\n`);
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exitCode = totals.failed === 0 ? 0 : 1;

/** Runs one file after the other, of the first queue that has any. */
async function lane(...queues) {
  for (;;) {
    const file = queues.find((queue) => queue.length > 0)?.shift();
    if (file === undefined) return;
    const result = await runTestFile(file, fileTimeoutMs);
    const problems = problemsOf(result);
    if (values["second-try"] && problems.length > 0) {
      failedOnce.push({ file, problems });
      process.stdout.write(`\n${result.output}\n✖ ${file}  will be tried again, alone\n`);
    } else report(file, result);
  }
}

/** Compiled tests whose source is still there, and the tests of the scripts, which need no compiling. */
function listTestFiles(unitOnly) {
  const below = (folder) => subfolders(folder, process.cwd());
  const packages = unitOnly
    ? ["packages/micro", ...below("plugins")]
    : [...below("packages"), ...below("plugins"), ...below("examples"), "bench", "interop"];
  const compiled = packages.flatMap((folder) =>
    filesBelow(join(folder, "dist/test"))
      .filter((file) => file.endsWith(".test.js"))
      .filter((file) => existsSync(join(folder, "test", file.replace(/\.js$/, ".ts"))))
      .map((file) => `${folder}/dist/test/${file}`),
  );
  const scripts = filesBelow("scripts/test").filter((file) => file.endsWith(".test.mjs"));
  return unitOnly ? compiled : [...compiled, ...scripts.map((file) => `scripts/test/${file}`)];
}

function report(file, result) {
  const { records, output, seconds } = result;
  const problems = problemsOf(result);
  const passed = records.filter(({ outcome }) => outcome === "passed").length;
  for (const { outcome, name, reason } of records) {
    if (outcome !== "end") outcomes.push({ file, name, outcome });
    if (outcome === "skipped") skips.push({ file, name, reason });
  }
  failures.push(...problems.map((problem) => `${file}: ${problem}`));
  totals.passed += passed;
  totals.failed += problems.length;
  totals.skipped += records.filter(({ outcome }) => outcome === "skipped").length;
  if (problems.length > 0 || values.verbose) process.stdout.write(`\n${output}\n`);
  console.log(`${problems.length > 0 ? "✖" : "✔"} ${file}  ${passed} passed  ${seconds.toFixed(1)} s`);
}

/** The names of the tests that failed, or what is wrong with the file as a whole. */
function problemsOf({ records, exit }) {
  const failed = records.filter(({ outcome }) => outcome === "failed").map(({ name }) => name);
  const problem = failed.length === 0 ? problemOfFile(records, exit) : undefined;
  return problem === undefined ? failed : [problem];
}

/** What is wrong with a file none of whose tests failed. */
function problemOfFile(records, exit) {
  if (typeof exit === "string") return exit;
  if (records.length === 0 || (records.length === 1 && exit === 0))
    return `no test in it ran, it ended with code ${exit}`;
  if (!records.some((record) => record.outcome === "end"))
    return `ended with code ${exit} before its tests did`;
  if (exit !== 0) return `ended with code ${exit} though no test failed`;
  return undefined;
}
