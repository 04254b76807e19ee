/**
 *     node main.js [--quick] [--all] [--only <contender>,...] [case...]
 *
 * Runs cases and prints each. A whole run also writes `bench/results` and draws `docs/performance.md` anew.
 */
import { parseArgs } from "node:util";
import { cases, casesNamed } from "./cases.ts";
import { drawPage, rounded } from "./page.ts";
import { type Result, readResults, summaryOf, writeResult } from "./results.ts";
import { estimateMs, type Length, runCase } from "./run.ts";

const { names, length, only, isWhole, totalMs } = askedOrEnd();
console.log(`${names.join(", ")}: about ${Math.ceil(totalMs / 60_000)} min`);

const command = `npm run bench -- ${process.argv.slice(2).join(" ")}`.replace(/ -- $/, "");
for (const name of names) {
  const result = await runCase(name, length, command, only);
  print(result);
  if (isWhole && result.contenders.length > 0) writeResult(result);
}
if (isWhole) drawPage(readResults(Object.keys(cases)));
console.log("\nNot shown: discovery, TLS, and anything across a real network.");

interface Asked {
  readonly names: readonly string[];
  readonly length: Length;
  readonly only: readonly string[] | undefined;
  /** Results are kept. */
  readonly isWhole: boolean;
  readonly totalMs: number;
}

/** Ends the process with one line and exit code 2 when it was asked for something that there is not. */
function askedOrEnd(): Asked {
  try {
    return asked();
  } catch (error) {
    const { message } = error as Error;
    console.error(
      `bench: ${message}\nusage: npm run bench -- [--quick] [--all] [--only <contender>,...] [case...]`,
    );
    process.exit(2);
  }
}

/** @throws Error for an unknown option, case or contender */
function asked(): Asked {
  const { values, positionals } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      all: { type: "boolean", default: false },
      only: { type: "string" },
    },
    allowPositionals: true,
  });
  const length: Length = values.quick
    ? { rounds: 3, ms: 250, warmUpMs: 500 }
    : { rounds: 5, ms: 750, warmUpMs: 1_500 };
  const names = casesNamed(positionals, values.all);
  const only = values.only?.split(",");
  return {
    names,
    length,
    only,
    isWhole: !values.quick && only === undefined,
    totalMs: names.reduce((sum, name) => sum + estimateMs(name, length, only), 0),
  };
}

function print({ title, machine, leftOut = [], contenders, rounds, ms, command }: Result): void {
  console.log(`\n${title}`);
  console.log(`${command}: ${rounds} interleaved rounds of ${ms} ms`);
  console.log(`Node ${machine.node}, ${machine.cpus}, ${machine.system}, load before ${machine.loadBefore}`);
  const versions = [...new Set(contenders.flatMap((contender) => contender.versions))];
  if (versions.length > 0) console.log(versions.join(", "));
  for (const line of leftOut) console.log(`left out: ${line}`);
  for (const [index, { inFlight }] of (contenders[0]?.levels ?? []).entries()) {
    console.log(`${inFlight} in flight`);
    const summaries = contenders.map((contender) => summaryOf(contender.levels[index]?.samples ?? []));
    const first = summaries[0]?.callsPerCpuSecond ?? Number.NaN;
    console.table(
      Object.fromEntries(
        summaries.map((summary, at) => [
          contenders[at]?.title,
          {
            "calls/s": rounded(summary.callsPerSecond),
            "lowest to highest": `${rounded(summary.lowest)} to ${rounded(summary.highest)}`,
            "calls/CPU-s": rounded(summary.callsPerCpuSecond),
            "of the first": Number((summary.callsPerCpuSecond / first).toFixed(2)),
            "p50 ms": Number(summary.p50Ms.toFixed(5)),
            "p99 ms": Number(summary.p99Ms.toFixed(3)),
            "p99.9 ms": Number(summary.p999Ms.toFixed(3)),
            MiB: Math.round(summary.rssMiB),
          },
        ]),
      ),
    );
  }
}
