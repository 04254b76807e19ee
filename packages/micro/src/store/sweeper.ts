export interface Sweepable {
  readonly hasExpiring: boolean;
  sweep(): unknown;
}

/** Removes expired records from tables now and then, for as long as there are any that can expire. */
export function newSweeper(tables: () => readonly Sweepable[]): { soon(): void; end(): void } {
  let sweeping: NodeJS.Timeout | undefined;
  const soon = (): void => {
    sweeping ??= setTimeout(() => {
      sweeping = undefined;
      for (const table of tables()) table.sweep();
      if (tables().some(({ hasExpiring }) => hasExpiring)) soon();
    }, sweepMs).unref();
  };
  return { soon, end: () => clearTimeout(sweeping) };
}

/** How long an expired record may take room, in milliseconds. */
const sweepMs = 60_000;
