import type { Hook } from "./options.ts";

/** Runs them in order; the first that throws ends it. */
export async function runHooks(hooks: readonly Hook[]): Promise<void> {
  for (const hook of hooks) await hook();
}

/** Runs every step in order whatever the others do, and gives what they threw. */
export async function runAll(steps: readonly Hook[]): Promise<unknown[]> {
  const errors: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      errors.push(error);
    }
  }
  return errors;
}

/** Throws nothing for none, the one for one, and an AggregateError that shows all for more. */
export function throwAll(errors: readonly unknown[], doing: string): void {
  if (errors.length === 0) return;
  if (errors.length === 1) throw errors[0];
  const texts = errors.map((error) => (error instanceof Error ? error.message : String(error)));
  throw new AggregateError(errors, `${errors.length} errors while ${doing}: ${texts.join("; ")}`);
}
