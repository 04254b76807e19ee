/** The letters that frames begin with, as character codes (docs/protocol-mux.md). */
export const letters = {
  head: code("h"),
  call: code("q"),
  answer: code("a"),
  error: code("e"),
  cancel: code("x"),
  open: code("s"),
  item: code("i"),
  end: code("z"),
  window: code("w"),
  goodbye: code("g"),
  understood: code("k"),
  message: code("m"),
  taken: code("t"),
} as const;

function code(letter: string): number {
  return letter.charCodeAt(0);
}
