export interface Sweepable {
  readonly hasMortals: boolean;
  sweep(): unknown;
}

/** Frees tables of what is over. Goes on by itself as long as something in them can end. */
export function newSweeper(tables: () => readonly Sweepable[]): { soon(): void; end(): void } {
  let sweeping: NodeJS.Timeout | undefined;
  const soon = (): void => {
    sweeping ??= setTimeout(() => {
      sweeping = undefined;
      for (const table of tables()) table.sweep();
      if (tables().some(({ hasMortals }) => hasMortals)) soon();
    }, sweepMs).unref();
  };
  return { soon, end: () => clearTimeout(sweeping) };
}

/** How long what is over may still take room, in milliseconds. */
const sweepMs = 60_000;
