/**
 * A text on one line, without control characters. Names, errors and metadata come from files and peers: they must
 * neither forge a line of a log nor steer a terminal.
 */
export function oneLine(text: string): string {
  return text.replace(/\s*[\u0000-\u001f\u007f-\u009f\u2028\u2029]+\s*/g, " ").trim();
}
