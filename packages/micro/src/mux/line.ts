/** A line of the protocol that can't be meant so. The connection is of no use after it. */
export class BadFrame extends Error {
  override readonly name = "BadFrame";
}

/**
 * The fields of one frame, read from left to right. There is one for each connection, filled anew for each frame, so
 * whoever wants to keep something takes it out.
 */
export class Line {
  /** Where the next field begins in `text`, and where the last one ends. */
  at = 0;
  end = 0;
  text = "";
  /** The bytes counted behind the line, if its body is not in it. Nobody else holds them. */
  bytes: Buffer | undefined;
  /** Length of a body that is longer than this side takes, which was passed over; else 0. */
  oversize = 0;

  /** A decimal number. */
  number(): number {
    const { text, end } = this;
    const from = this.at;
    let value = 0;
    let at = from;
    for (; at < end; at++) {
      const digit = text.charCodeAt(at) - zero;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    if (at === from || at - from > longestNumber || (at < end && text.charCodeAt(at) !== space)) {
      throw new BadFrame(`expected a number at ${JSON.stringify(text.slice(from, from + 20))}`);
    }
    this.at = at + 1;
    return value;
  }

  /** The text up to the next space. */
  word(): string {
    const { text, at, end } = this;
    const found = text.indexOf(" ", at);
    const stop = found === -1 || found > end ? end : found;
    this.at = stop + 1;
    return text.slice(at, stop);
  }

  /** What is left of the line. */
  rest(): string {
    return this.text.slice(this.at, this.end);
  }
}

const zero = 0x30;
const space = 0x20;
/** Digits that a JavaScript number holds exactly. */
const longestNumber = 15;
