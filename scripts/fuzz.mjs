/**
 * Fuzzes for a long time what the suite fuzzes for a second.
 *
 *     npm run fuzz -- [part of a file name...] [--minutes 10] [--seed 1]
 *
 * Runs the tests whose files end in `.fuzz.test.ts`, one after the other, each with its share of the minutes and
 * with seeds that no run had before. Each test says how many rounds it ran, from which seed, and the most memory that its
 * process had. The last line of a failure says how to repeat it. The parsers: http, mux, mdns, brpc, grpc, envelope, codec, file-log, mqtt.
 */
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { filesBelow, root } from "./workspace.mjs";

const { values, positionals } = parseArgs({
  options: { minutes: { type: "string", default: "10" }, seed: { type: "string" } },
  allowPositionals: true,
});

const files = ["packages", "plugins"]
  .flatMap((folder) => filesBelow(`${root}${folder}`).map((file) => `${folder}/${file}`))
  .filter((file) => /^[^/]+\/[^/]+\/dist\/test\/.*\.fuzz\.test\.js$/.test(file))
  .filter((file) => positionals.length === 0 || positionals.some((part) => file.includes(part)));
if (files.length === 0) {
  console.error(`no fuzz test matches ${positionals.join(" ") || "(nothing is built: npm run build)"}`);
  process.exit(1);
}

const seed = values.seed ?? String(Date.now() >>> 0);
for (const file of files) {
  const minutes = String(Number(values.minutes) / files.length);
  console.log(`${file}: seed ${seed}, ${minutes} minutes`);
  const { status } = spawnSync(process.execPath, ["--enable-source-maps", "--test-reporter=spec", file], {
    cwd: root,
    env: { ...process.env, FUZZ_SEED: seed, FUZZ_MINUTES: minutes },
    stdio: "inherit",
  });
  if (status !== 0) process.exitCode = 1;
}
