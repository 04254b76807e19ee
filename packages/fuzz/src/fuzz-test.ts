import { test } from "node:test";
import { newRandom, type Random } from "./random.ts";

/** Makes one input out of `random` and throws when a property doesn't hold for it. */
export type Round = (random: Random) => void | Promise<void>;

export interface FuzzOptions {
  /** Rounds in the suite; about a second's worth. `npm run fuzz` does as many as the time allows. */
  rounds: number;
  /** Limit of one round, in milliseconds: whoever needs longer hangs. @default 20_000 */
  roundTimeoutMs?: number;
}

/** Fixed, so that the suite is the same in every run. */
const suiteSeed = 20_261_127;

let testsOfFile = 0;

/**
 * A test that runs `round` again and again, each time with a seed of its own. A failure names the seed, and how to
 * run that round alone.
 *
 * Variables: `FUZZ_SEED` of the first round, `FUZZ_ROUNDS`, `FUZZ_MINUTES` of the whole file instead of a number of rounds.
 */
export function fuzzTest(name: string, options: FuzzOptions, round: Round): void {
  const { FUZZ_SEED, FUZZ_ROUNDS, FUZZ_MINUTES } = process.env;
  const firstSeed = number("FUZZ_SEED", FUZZ_SEED) ?? suiteSeed;
  const minutes = number("FUZZ_MINUTES", FUZZ_MINUTES);
  const rounds = number("FUZZ_ROUNDS", FUZZ_ROUNDS) ?? (minutes === undefined ? options.rounds : Infinity);

  testsOfFile++;
  test(name, async (context) => {
    // All tests of the file are known when the first one runs.
    const end = minutes === undefined ? Infinity : performance.now() + (minutes * 60_000) / testsOfFile;
    let done = 0;
    for (; done < rounds && performance.now() < end; done++) {
      const seed = (firstSeed + done) >>> 0;
      try {
        await within(options.roundTimeoutMs ?? 20_000, round(newRandom(seed)));
      } catch (cause) {
        throw new Error(`round ${done} failed; again with FUZZ_SEED=${seed} FUZZ_ROUNDS=1`, { cause });
      }
      // Sockets and timers of the process under test want a turn, in long runs of synchronous rounds too.
      if (done % 64 === 63) await new Promise((resolve) => setImmediate(resolve));
    }
    const peakMiB = Math.round(process.resourceUsage().maxRSS / 1024);
    context.diagnostic(`${done} rounds from seed ${firstSeed}, at most ${peakMiB} MiB of memory`);
  });
}

/** A hang of synchronous code can't be ended from here: the test runner's limit of the file does it. */
async function within(ms: number, work: void | Promise<void>): Promise<void> {
  if (work === undefined) return;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`the round hangs: not done after ${ms} ms`)), ms);
  });
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}

function number(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!(value >= 0)) throw new TypeError(`${name} is ${JSON.stringify(text)}, no number from 0`);
  return value;
}
