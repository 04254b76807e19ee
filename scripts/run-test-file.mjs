import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const recordsReporter = fileURLToPath(new URL("test-records.mjs", import.meta.url));
const running = new Set();

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    for (const child of running) endGroup(child);
    process.exit(1);
  });
}

/**
 * Runs one test file to its end, whatever that is.
 *
 * `node:test`'s own `run()` can't be used: it takes a file that calls `process.exit(0)` in mid-test for passed,
 * waits for ever for one that ignores SIGTERM, and leaves processes behind that a test started.
 *
 * @returns the records of `test-records.mjs`, what the file printed, its exit code (or a text that says how else
 *   it ended), and the time it took
 */
export function runTestFile(file, timeoutMs) {
  const scratch = mkdtempSync(join(tmpdir(), "ts-micro-test-"));
  const recordsFile = join(scratch, "records.jsonl");
  // A runner that is itself under test would otherwise make its children report to the outer one.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(
    process.execPath,
    [
      "--enable-source-maps",
      ...["--test-reporter=spec", "--test-reporter-destination=stdout"],
      ...[`--test-reporter=${recordsReporter}`, `--test-reporter-destination=${recordsFile}`],
      file,
    ],
    // A group of its own, so that it can be ended with everything it started.
    { env, stdio: ["ignore", "pipe", "pipe"], detached: true },
  );
  running.add(child);
  const printed = [];
  child.stdout.on("data", (chunk) => printed.push(chunk));
  child.stderr.on("data", (chunk) => printed.push(chunk));
  const started = performance.now();

  return new Promise((resolve, reject) => {
    let exit;
    const timer = setTimeout(() => {
      exit = `still ran after ${timeoutMs} ms`;
      endGroup(child);
    }, timeoutMs);
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      clearTimeout(timer);
      exit ??= signal === null ? code : `was ended by ${signal}`;
      endGroup(child);
      // A process that left the group may hold the pipes open; what it prints is not waited for.
      setTimeout(finish, 1_000).unref();
    });
    child.on("close", finish);

    function finish() {
      if (!running.delete(child)) return;
      const records = readRecords(recordsFile);
      rmSync(scratch, { recursive: true, force: true });
      const seconds = (performance.now() - started) / 1_000;
      resolve({ records, output: Buffer.concat(printed).toString(), exit, seconds });
    }
  });
}

/** Ends what is left of the file's process group. */
function endGroup(child) {
  try {
    process.kill(process.platform === "win32" ? child.pid : -child.pid, "SIGKILL");
  } catch {
    // Nothing is left of it.
  }
}

function readRecords(recordsFile) {
  if (!existsSync(recordsFile)) return [];
  const lines = readFileSync(recordsFile, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line));
}
