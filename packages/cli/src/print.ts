/** Writes to stdout, where a program that reads along finds data and nothing else. */
export function printLine(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** One line of JSON, for programs. */
export function printJson(value: unknown): void {
  printLine(JSON.stringify(value) ?? "null");
}

/** Columns under a head, for people. A column with nothing in it is left out. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const columns = head
    .map((title, column) => [title, ...rows.map((row) => row[column] ?? "")])
    .filter(([, ...cells]) => rows.length === 0 || cells.some((cell) => cell !== ""));
  const widths = columns.map((cells) => Math.max(...cells.map((cell) => cell.length)));
  for (let row = 0; row <= rows.length; row++) {
    const cells = columns.map((column, index) => (column[row] ?? "").padEnd(widths[index] ?? 0));
    printLine(cells.join("  ").trimEnd());
  }
}
