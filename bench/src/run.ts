import { nats as natsBinary } from "@ts-micro/conformance";
import { type Case, cases, isStart } from "./cases.ts";
import { contenderNamed } from "./contenders/index.ts";
import { goProgram } from "./go-micro.ts";
import { installSize } from "./install-size.ts";
import { thisMachine, versionOf } from "./machine.ts";
import { withNats } from "./nats.ts";
import { newPacked } from "./packed.ts";
import { Pair, type Sample } from "./pair.ts";
import { here, node22, node22Missing } from "./place.ts";
import { buildPlugins } from "./plugins.ts";
import type { Load } from "./process.ts";
import type { Result } from "./results.ts";
import { Starts } from "./start.ts";

export interface Length {
  readonly rounds: number;
  /** Of each sample. */
  readonly ms: number;
  /** Of load before the first sample of a contender. */
  readonly warmUpMs: number;
}

/** What a sample is preceded by: the processes have just been idle. */
const settleMs = 150;

/** What starting and ending a contender's processes takes, about. */
const startMs = 1_500;

export function estimateMs(
  name: string,
  { rounds, ms, warmUpMs }: Length,
  only: readonly string[] | undefined,
): number {
  const { contenders, inFlight, onNode22 } = caseNamed(name, only);
  const running = contenders.filter((each) => missingFor(each, onNode22) === undefined);
  return running.length * (startMs + warmUpMs + inFlight.length * rounds * (ms + settleMs));
}

/** Why a contender can't run on this machine, and what mends it. */
function missingFor(contender: string, onNode22 = false): string | undefined {
  if (onNode22) return node22Missing();
  const { needs, go, sides } = contenderNamed(contender);
  const { skip } = needs === "nats" ? natsBinary() : go !== undefined ? goProgram(go) : { skip: false };
  if (typeof skip === "string") return skip;
  return sides === undefined ? undefined : (missingFor(sides.server) ?? missingFor(sides.client));
}

/**
 * Starts every contender's processes once, warms them up, and lets them run in turn: each round runs each
 * contender once, in random order, so that a change of the machine's speed hits all. Those that can't run here are left
 * out, and the result says so.
 * @param only the contenders to run; all of the case when absent
 */
export async function runCase(
  name: string,
  { rounds, ms, warmUpMs }: Length,
  command: string,
  only: readonly string[] | undefined,
): Promise<Result> {
  const { title, question, kind, inFlight, onNode22, contenders: asked } = caseNamed(name, only);
  const missing = new Map(asked.map((each) => [each, missingFor(each, onNode22)]));
  const contenders = asked.filter((each) => missing.get(each) === undefined);
  const needsNats = contenders.some((each) => contenderNamed(each).needs === "nats");
  await using nats = needsNats ? await withNats() : undefined;
  using packed = isStart(kind) ? newPacked() : undefined;
  const plugins = kind === "inits" && packed !== undefined ? buildPlugins(packed.folder) : [];
  const place = onNode22 === true && contenders.length > 0 ? node22() : here;
  const machine = thisMachine(place.version);
  const pairs = new Map<string, Runner>();
  const samples = new Map<string, Sample[]>();
  const samplesOf = (contender: string, level: number): Sample[] => {
    const key = `${contender} ${level}`;
    const known = samples.get(key) ?? [];
    samples.set(key, known);
    return known;
  };
  try {
    for (const contender of contenders) {
      const { kind: role, plugins: count = 0 } = contenderNamed(contender);
      const program = role === "ours" ? packed?.program : undefined;
      const pair = isStart(kind)
        ? new Starts(contender, program, plugins.slice(0, count))
        : await Pair.start(contender, { between: nats, place });
      pairs.set(contender, pair);
      await pair.warmUp({ question, kind, inFlight: Math.max(...inFlight), ms: warmUpMs });
    }
    for (let round = 0; round < rounds; round++) {
      for (const [contender, pair] of shuffled([...pairs])) {
        for (const level of inFlight) {
          await pair.run({ question, kind, inFlight: level, ms: settleMs });
          samplesOf(contender, level).push(await pair.run({ question, kind, inFlight: level, ms }));
        }
      }
    }
  } finally {
    await Promise.all([...pairs.values()].map((pair) => pair.end()));
  }
  return {
    case: name,
    title,
    date: new Date().toISOString().slice(0, 10),
    command,
    machine,
    rounds,
    ms,
    leftOut: leftOut(missing),
    contenders: contenders.map((contender) => {
      const { title, kind: role, packages, imports = packages } = contenderNamed(contender);
      const project = role === "ours" ? packed?.folder : undefined;
      const levels = inFlight.map((level) => ({ inFlight: level, samples: samplesOf(contender, level) }));
      const install = kind === "imports" ? { install: installSize(imports, project) } : {};
      return {
        name: contender,
        title,
        kind: role,
        versions: packages.map((each) => versionOf(each, place.folder)),
        levels,
        ...install,
      };
    }),
  };
}

/** A line for each reason. */
function leftOut(missing: ReadonlyMap<string, string | undefined>): string[] {
  return [...new Set(missing.values())].flatMap((why) => {
    if (why === undefined) return [];
    const names = [...missing.keys()].filter((each) => missing.get(each) === why);
    return [`${names.map((each) => contenderNamed(each).title).join("; ")}: ${why}`];
  });
}

/** The processes of a contender, as long as a case runs. */
interface Runner {
  warmUp(load: Load): Promise<void>;
  run(load: Load): Promise<Sample>;
  end(): Promise<void>;
}

function caseNamed(name: string, only: readonly string[] | undefined): Case {
  const found = cases[name];
  if (found === undefined) throw new Error(`no case ${name}`);
  if (only === undefined) return found;
  const missing = only.find((contender) => !found.contenders.includes(contender));
  if (missing !== undefined) {
    throw new Error(`no contender ${missing} in ${name}; there are ${found.contenders.join(", ")}`);
  }
  return { ...found, contenders: only };
}

function shuffled<T>(values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value);
}
