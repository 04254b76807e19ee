/** Writes to stdout, where a program that reads along finds data and nothing else. */
export function printLine(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** One line of JSON, for programs. */
export function printJson(value: unknown): void {
  printLine(JSON.stringify(value) ?? "null");
}

/** Columns under a head, for people. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  for (const row of [head, ...rows]) {
    printLine(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    );
  }
}
