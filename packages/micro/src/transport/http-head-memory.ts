import type { Metadata } from "../metadata.ts";
import { framingNames, headerName } from "./header.ts";
import type { HttpHead } from "./http-head.ts";

/** One field of a form. */
interface Line {
  /** With the line end. */
  readonly text: string;
  /** What a line with another value begins with; empty when no other value can be read here. */
  readonly prefix: string;
  readonly name: string;
  readonly isFraming: boolean;
}

/**
 * A head that others are like. Connections share it, so that all their headers have one hidden class, and what every message
 * is compared with stays in the processor's cache.
 */
interface Form {
  readonly head: HttpHead;
  readonly start: string;
  readonly lines: readonly Line[];
}

/** Longer heads are rare, and are not worth the memory. */
const longestHead = 2_048;

/** By how much a head may be longer than the one before, in bytes. */
const growth = 64;

const forms = new Map<string, Form>();

/**
 * Bounded, because heads come from peers. The oldest makes room, so that a peer with ever new ones doesn't keep others from
 * sharing for good; connections keep the form they have.
 */
const maxForms = 256;

/** A value that the parser gives as it stands: visible ASCII, with blanks only inside. */
const plainValue = /^[!-~](?:[ -~]*[!-~])?$/;

/**
 * The last head of a connection. The next one is mostly the same but for an id and a length, so that it can be read
 * by comparing its lines.
 *
 * What isn't as before and isn't as plain as an id is left to the parser: this reader accepts nothing that the parser
 * would refuse, and reads nothing otherwise.
 */
export class HttpHeadMemory {
  #form: Form | undefined;
  /** Of the last head that was parsed, in bytes. */
  #parsedLength = 0;
  /** Of the head that `read` has just given, with the empty line that ends it. */
  length = 0;

  /** @param text what `head` was parsed from, without the empty line that ends it */
  keep(text: string, head: HttpHead): void {
    this.#form = formOf(text, head);
    this.#parsedLength = text.length;
  }

  /** The head at `at`, when it is all there and sufficiently like the last one. */
  read(chunk: Buffer, at: number): HttpHead | undefined {
    const form = this.#form;
    if (form === undefined) return undefined;
    const text = chunk.toString("latin1", at, at + this.#parsedLength + growth);
    if (!text.startsWith(form.start)) return undefined;
    const header = copyOf(form.head.header);
    let { body } = form.head;
    let end = form.start.length;
    for (const line of form.lines) {
      if (text.startsWith(line.text, end)) {
        end += line.text.length;
        continue;
      }
      if (line.prefix === "" || !text.startsWith(line.prefix, end)) return undefined;
      const from = end + line.prefix.length;
      const to = text.indexOf("\r\n", from);
      if (to === -1) return undefined;
      const value = text.slice(from, to);
      if (line.isFraming) {
        if (!/^\d{1,15}$/.test(value)) return undefined;
        body = Number(value);
      } else {
        if (!plainValue.test(value)) return undefined;
        header[line.name] = value;
      }
      end = to + 2;
    }
    if (!text.startsWith("\r\n", end)) return undefined;
    this.length = end + 2;
    const { method, status, statusLine, close, expectsContinue } = form.head;
    return { method, status, statusLine, header, body, close, expectsContinue };
  }
}

/** A copy is several times quicker than to set one value after the other. */
function copyOf(header: Metadata): Metadata {
  return Object.setPrototypeOf({ ...header }, null);
}

function formOf(given: string, head: HttpHead): Form | undefined {
  const { status, body } = head;
  // Whatever else there is depends on more than its lines.
  if (given.length > longestHead || typeof body !== "number" || (status !== 0 && status !== 200))
    return undefined;
  const [start = "", ...fields] = given.split("\r\n");
  const lines = fields.map((field) => lineOf(field, head));
  const names = new Set(lines.map(({ name }) => name));
  // Of two lines with one name the first counts.
  if (names.has("Expect") || names.size < lines.length) return undefined;
  const key = [start, ...lines.map(({ prefix, text }) => prefix || text)].join("\r\n");
  const known = forms.get(key);
  if (known !== undefined) return known;
  // The head's own header belongs to whoever gets the message.
  const form = { head: { ...head, header: copyOf(head.header) }, start: `${start}\r\n`, lines };
  const [oldest] = forms.size < maxForms ? [] : forms.keys();
  if (oldest !== undefined) forms.delete(oldest);
  forms.set(key, form);
  return form;
}

function lineOf(field: string, head: HttpHead): Line {
  const colon = field.indexOf(":");
  const name = headerName(field.slice(0, colon)) ?? "";
  const isFraming = framingNames.has(name);
  // Of what decides about more than itself, only the length may change.
  const fixed = isFraming
    ? name !== "Content-Length"
    : name === "Connection" || !plainValue.test(head.header[name] ?? "");
  const prefix = fixed ? "" : `${field.slice(0, colon)}: `;
  return { text: `${field}\r\n`, prefix, name, isFraming };
}
