/** The text of anything that was thrown. Never throws itself, whatever the value. */
export function textOf(thrown: unknown): string {
  try {
    if (thrown instanceof Error) return thrown.message || thrown.name;
    return typeof thrown === "string" ? thrown : `thrown: ${String(thrown)}`;
  } catch {
    // An object without a text form, or one whose text form throws.
    return "thrown: a value that has no text";
  }
}
