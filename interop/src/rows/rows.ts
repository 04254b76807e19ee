/** The rows of a table: each is a call, or several, and what must come of it. */
export type Rows<Peer> = Readonly<Record<string, (peer: Peer) => Promise<void>>>;

/** Rows in which Go does otherwise than one should expect: the note of docs/interop.md that says so, and what comes instead. */
export type Deviations<Peer> = Readonly<Record<string, readonly [note: string, run: Rows<Peer>[string]]>>;

/**
 * Calls `each` with what to run, and with how the test of a row is named in a column.
 * @throws Error when a deviation is of no row
 */
export function forEachRow<Peer>(
  rows: Rows<Peer>,
  deviations: Deviations<Peer>,
  column: string,
  each: (name: string, run: Rows<Peer>[string]) => void,
): void {
  for (const row of Object.keys(deviations)) if (!Object.hasOwn(rows, row)) throw new Error(`no row ${row}`);
  for (const [row, run] of Object.entries(rows)) {
    const [note, deviation] = deviations[row] ?? [];
    each(`${row}: ${column}${note === undefined ? "" : ` [${note}]`}`, deviation ?? run);
  }
}
