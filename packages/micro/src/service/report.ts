/**
 * How a program tells its user that it failed: one line on stderr and an exit code.
 */
import { inspect } from "node:util";
import type { Environment } from "../cmd/parse.ts";
import { HelpRequested, UsageError } from "../errors.ts";
import { oneLine } from "../one-line.ts";

/**
 * Writes what `error` says and gives the exit code: 0 for help (which belongs on stdout), 2 for wrong usage, 1
 * for everything else. The stack is shown only with `MICRO_LOG_LEVEL=debug` or `trace`.
 */
export function report(error: unknown, name: string, env: Environment): number {
  if (HelpRequested.is(error)) {
    process.stdout.write(error.text);
    return 0;
  }
  const text = error instanceof Error ? error.message || error.name : String(error);
  process.stderr.write(`${name}: ${oneLine(text)}\n`);
  if (/^(debug|trace)$/i.test(env.MICRO_LOG_LEVEL ?? "")) process.stderr.write(`${inspect(error)}\n`);
  return UsageError.is(error) ? 2 : 1;
}
