/*
 * Writes to stdout, where a program that reads along finds data and nothing else. Names and metadata come from
 * whoever is on the network: none of their control characters reaches the terminal.
 */

/** For people. */
export function printLine(text: string): void {
  process.stdout.write(`${text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, " ")}\n`);
}

/** JSON, for programs on one line; with `indent` for people too. */
export function printJson(value: unknown, indent?: number): void {
  const json = JSON.stringify(value, undefined, indent) ?? "null";
  // JSON itself escapes only those below the blank.
  const escaped = json.replace(/[\u007f-\u009f]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`);
  process.stdout.write(`${escaped}\n`);
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
