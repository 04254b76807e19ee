import { newMetadata } from "../metadata.ts";
import { framingNames, headerName } from "./header.ts";
import type { HttpHead } from "./http-head.ts";

/** One field of the head that is remembered. */
interface Line {
  /** With the line end. */
  readonly text: string;
  /** What a line with another value begins with; empty when no other value can be read here. */
  readonly prefix: string;
  readonly name: string;
  readonly value: string;
  readonly isFraming: boolean;
}

/** Longer heads are rare, and are not worth the memory that each connection would keep. */
const longestHead = 2_048;

/** By how much a head may be longer than the one before, in bytes. */
const growth = 64;

/**
 * The last head of a connection. The next one is mostly the same but for an id and a length, so that it can be read
 * by comparing its lines.
 *
 * What isn't as before and isn't as plain as an id is left to the parser: this reader accepts nothing that the parser
 * would refuse, and reads nothing otherwise.
 */
export class HttpHeadMemory {
  #head: HttpHead | undefined;
  #start = "";
  #lines: readonly Line[] = [];
  #length = 0;
  /** Of the head that `read` has just given, with the empty line that ends it. */
  length = 0;

  /** @param text what `head` was parsed from, without the empty line that ends it */
  keep(text: string, head: HttpHead): void {
    this.#head = undefined;
    const { status, body } = head;
    // Whatever else there is depends on more than its lines.
    if (text.length > longestHead || typeof body !== "number" || (status !== 0 && status !== 200)) return;
    const [start = "", ...fields] = text.split("\r\n");
    const lines = fields.map((field) => lineOf(field, head));
    const names = new Set(lines.map(({ name }) => name));
    // Of two lines with one name the first counts.
    if (names.has("Expect") || names.size < lines.length) return;
    this.#start = `${start}\r\n`;
    this.#lines = lines;
    this.#length = text.length;
    this.#head = head;
  }

  /** The head at `at`, when it is all there and sufficiently like the last one. */
  read(chunk: Buffer, at: number): HttpHead | undefined {
    const known = this.#head;
    if (known === undefined) return undefined;
    const text = chunk.toString("latin1", at, at + this.#length + growth);
    if (!text.startsWith(this.#start)) return undefined;
    const header = newMetadata();
    let { body } = known;
    let end = this.#start.length;
    for (const line of this.#lines) {
      let { value } = line;
      if (text.startsWith(line.text, end)) end += line.text.length;
      else {
        if (line.prefix === "" || !text.startsWith(line.prefix, end)) return undefined;
        const from = end + line.prefix.length;
        const to = text.indexOf("\r\n", from);
        if (to === -1) return undefined;
        value = text.slice(from, to);
        if (line.isFraming) {
          if (!/^\d{1,15}$/.test(value)) return undefined;
          body = Number(value);
        } else if (!/^[!-~]+$/.test(value)) return undefined;
        end = to + 2;
      }
      if (!line.isFraming) header[line.name] = value;
    }
    if (!text.startsWith("\r\n", end)) return undefined;
    this.length = end + 2;
    const { method, status, statusLine, close, expectsContinue } = known;
    return { method, status, statusLine, header, body, close, expectsContinue };
  }
}

function lineOf(field: string, head: HttpHead): Line {
  const colon = field.indexOf(":");
  const name = headerName(field.slice(0, colon)) ?? "";
  const isFraming = framingNames.has(name);
  const value = isFraming ? field.slice(colon + 1).trim() : (head.header[name] ?? "");
  // Of what decides about more than itself, only the length may change.
  const fixed = isFraming ? name !== "Content-Length" : name === "Connection";
  const prefix = fixed ? "" : `${field.slice(0, colon)}: `;
  return { text: `${field}\r\n`, prefix, name, value, isFraming };
}
