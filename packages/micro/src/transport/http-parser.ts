/**
 * Cuts a stream of bytes into HTTP/1.1 messages (RFC 9112), requests or responses.
 *
 * Works on whole chunks: the bytes of a head are looked at once more only when it arrived in pieces, and a body
 * that arrived in one chunk is a view into it, where that chunk isn't lent.
 */
import { ByteCollector } from "./byte-collector.ts";
import { HttpError } from "./http-error.ts";
import {
  checkTrailer,
  type HttpHead,
  parseRequestHead,
  parseResponseHead,
  refuseIllegalBytes,
} from "./http-head.ts";
import { HttpHeadMemory } from "./http-head-memory.ts";

export interface HttpParserOptions {
  kind: "request" | "response";
  /** Longest head in bytes. An error's text travels in a header, so it is more than other servers allow. @default 65_536 */
  maxHeadBytes?: number;
  maxBodyBytes: number;
  /**
   * A whole message has arrived. The parser goes on with the next one unless `stop` was called.
   * @param body as text where it is short, ASCII and looks like text
   */
  message(head: HttpHead, body: string | Buffer): void;
  /** A client waits for `100 Continue` before it sends the body of its request. */
  expectsContinue?(): void;
}

/** Longest line that announces a chunk, extensions included. */
const maxChunkLineBytes = 256;
const maxTrailerBytes = 8 * 1024;

/** Extensions are passed over, but only well-formed ones; blanks, which RFC 9112 §7.1.1 tolerates, are not. */
const chunkLine =
  /^([0-9a-f]{1,8})(?:;[!#$%&'*+\-.^_`|~0-9a-z]+(?:=(?:[!#$%&'*+\-.^_`|~0-9a-z]+|"(?:[\t !#-[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"))?)*$/i;

const lineEnd = Buffer.from("\r\n");
const headEnd = Buffer.from("\r\n\r\n");
const carriageReturn = 0x0d;
const noBytes = Buffer.alloc(0);

/** What the next byte belongs to. */
type State = "head" | "body" | "chunk-line" | "chunk" | "chunk-end" | "trailer" | "until-close" | "stopped";

export class HttpParser {
  readonly #options: HttpParserOptions;
  readonly #maxHeadBytes: number;
  readonly #parseHead: (text: string) => HttpHead;
  readonly #memory = new HttpHeadMemory();
  #state: State = "head";
  /** The beginning of a head, a line or a trailer whose end has not arrived. */
  #rest: Buffer = noBytes;
  /** So many bytes of `#rest` were searched for the end in vain. */
  #searched = 0;
  #head: HttpHead | undefined;
  #body: ByteCollector | undefined;
  #lent = false;
  /** Bytes missing of the body, or of the current chunk. */
  #missing = 0;

  constructor(options: HttpParserOptions) {
    this.#options = options;
    this.#maxHeadBytes = options.maxHeadBytes ?? 64 * 1024;
    this.#parseHead = options.kind === "request" ? parseRequestHead : parseResponseHead;
  }

  /** Between two messages: nothing of the next one has arrived. */
  get idle(): boolean {
    return this.#state === "stopped" || (this.#state === "head" && this.#rest.length === 0);
  }

  /** Some of a head has arrived, but not all. */
  get inHead(): boolean {
    return this.#state === "head" && this.#rest.length > 0;
  }

  /** Whatever comes is ignored from now on. */
  stop(): void {
    this.#state = "stopped";
    this.#rest = noBytes;
    this.#body = undefined;
  }

  /**
   * Reads the next bytes.
   * @param lent what is kept of them is copied; others may not be changed afterwards
   * @throws HttpError for bytes that can't be accepted; the parser has stopped then.
   */
  push(bytes: Buffer, lent = false): void {
    try {
      let chunk = bytes;
      this.#lent = lent;
      if (this.#rest.length > 0) {
        chunk = Buffer.concat([this.#rest, bytes]);
        this.#lent = false;
        this.#rest = noBytes;
      }
      for (let at = 0; at < chunk.length; ) {
        const next = this.#read(chunk, at);
        if (next === undefined) {
          this.#rest = this.#own(chunk.subarray(at));
          return;
        }
        at = next;
      }
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  /**
   * The peer sends no more. Ends a body that is delimited by it.
   * @throws HttpError when a message is cut off.
   */
  end(): void {
    if (this.#state === "until-close") this.#finish();
    const cut = !this.idle;
    this.stop();
    if (cut) throw new HttpError(400, "unexpected EOF");
  }

  /** Reads from `at` on. Gives where to go on, or `undefined` when more bytes are needed. */
  #read(chunk: Buffer, at: number): number | undefined {
    switch (this.#state) {
      case "head":
        return this.#readHead(chunk, at);
      case "body":
        return this.#readBody(chunk, at);
      case "chunk-line":
        return this.#readChunkLine(chunk, at);
      case "chunk":
        return this.#readChunk(chunk, at);
      case "chunk-end":
        return this.#readChunkEnd(chunk, at);
      case "trailer":
        return this.#readTrailer(chunk, at);
      case "until-close":
        this.#collect(chunk.subarray(at));
        return chunk.length;
      case "stopped":
        return chunk.length;
    }
  }

  #readHead(chunk: Buffer, at: number): number | undefined {
    const known = this.#memory.read(chunk, at);
    if (known !== undefined && this.#memory.length - headEnd.length <= this.#maxHeadBytes) {
      this.#searched = 0;
      return this.#begin(known, chunk, at + this.#memory.length);
    }
    const end = this.#find(headEnd, chunk, at, this.#maxHeadBytes, 431, "head");
    if (end === undefined) return undefined;
    const text = chunk.toString("latin1", at, end);
    const head = this.#parseHead(text);
    const next = end + headEnd.length;
    // 100 Continue and its kin come before the real answer.
    if (head.status >= 100 && head.status < 200 && head.status !== 101) return next;
    this.#memory.keep(text, head);
    return this.#begin(head, chunk, next);
  }

  /** @param next where the body begins */
  #begin(head: HttpHead, chunk: Buffer, next: number): number {
    this.#head = head;
    if (head.body === "chunked") {
      this.#state = "chunk-line";
    } else if (head.body === "until-close") {
      this.#state = "until-close";
    } else if (head.body === 0) {
      this.#finish();
    } else {
      this.#limitBody(head.body);
      this.#missing = head.body;
      this.#state = "body";
    }
    if (head.expectsContinue && next === chunk.length) this.#options.expectsContinue?.();
    return next;
  }

  #readBody(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#missing);
    if (this.#body === undefined && end === at + this.#missing) {
      this.#missing = 0;
      this.#finish(asciiText(chunk, at, end) ?? this.#own(chunk.subarray(at, end)));
    } else {
      const piece = chunk.subarray(at, end);
      this.#missing -= piece.length;
      this.#body ??= new ByteCollector(piece.length + this.#missing);
      this.#body.append(piece);
      if (this.#missing === 0) this.#finish();
    }
    return end;
  }

  #readChunkLine(chunk: Buffer, at: number): number | undefined {
    const end = this.#find(lineEnd, chunk, at, maxChunkLineBytes, 400, "chunk line");
    if (end === undefined) return undefined;
    const match = chunkLine.exec(chunk.toString("latin1", at, end));
    if (match === null) throw new HttpError(400, "malformed chunk size");
    this.#missing = Number.parseInt(match[1] ?? "", 16);
    this.#limitBody((this.#body?.length ?? 0) + this.#missing);
    this.#state = this.#missing === 0 ? "trailer" : "chunk";
    return end + lineEnd.length;
  }

  #readChunk(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#missing);
    this.#collect(chunk.subarray(at, end));
    this.#missing -= end - at;
    if (this.#missing === 0) this.#state = "chunk-end";
    return end;
  }

  #readChunkEnd(chunk: Buffer, at: number): number | undefined {
    const known = Math.min(2, chunk.length - at);
    if (lineEnd.compare(chunk, at, at + known, 0, known) !== 0) {
      throw new HttpError(400, "chunk longer than announced");
    }
    if (known < 2) return undefined;
    this.#state = "chunk-line";
    return at + 2;
  }

  #readTrailer(chunk: Buffer, at: number): number | undefined {
    if (chunk[at] === carriageReturn) {
      if (at + 1 === chunk.length) return undefined;
      if (chunk[at + 1] !== lineEnd[1]) throw new HttpError(400, "malformed trailer");
      this.#finish();
      return at + 2;
    }
    const end = this.#find(headEnd, chunk, at, maxTrailerBytes, 431, "trailer");
    if (end === undefined) return undefined;
    checkTrailer(chunk.toString("latin1", at, end));
    this.#finish();
    return end + headEnd.length;
  }

  /** Position of `delimiter` at or after `at`; `undefined` when it has not arrived yet. */
  #find(
    delimiter: Buffer,
    chunk: Buffer,
    at: number,
    limit: number,
    status: number,
    what: string,
  ): number | undefined {
    const from = at + this.#searched;
    const end = chunk.indexOf(delimiter, Math.max(at, from - delimiter.length + 1));
    const length = (end === -1 ? chunk.length : end) - at;
    // Without an end, the last bytes may be the beginning of it.
    const most = end === -1 ? limit + delimiter.length - 1 : limit;
    if (length > most) throw new HttpError(status, `${what} longer than ${limit} bytes`);
    if (end !== -1) {
      this.#searched = 0;
      return end;
    }
    // A CR at the end of what was checked before, or of what is checked now, waits for its LF.
    const start = from > at && chunk[from - 1] === carriageReturn ? from - 1 : from;
    const stop = chunk[chunk.length - 1] === carriageReturn ? chunk.length - 1 : chunk.length;
    refuseIllegalBytes(chunk.toString("latin1", start, stop));
    this.#searched = length;
    return undefined;
  }

  /** A view of the present chunk that stays as it is. */
  #own(view: Buffer): Buffer {
    return this.#lent ? Buffer.from(view) : view;
  }

  #collect(piece: Buffer): void {
    this.#body ??= new ByteCollector();
    this.#limitBody(this.#body.length + piece.length);
    this.#body.append(piece);
  }

  #limitBody(length: number): void {
    const { maxBodyBytes } = this.#options;
    if (length <= maxBodyBytes) return;
    const more = typeof this.#head?.body === "number" ? "" : " or more";
    const has = `it has ${length}${more}; raise maxMessageBytes to take it`;
    throw new HttpError(413, `body longer than ${maxBodyBytes} bytes: ${has}`);
  }

  #finish(body: string | Buffer = this.#body?.take() ?? noBytes): void {
    const head = this.#head;
    this.#state = "head";
    this.#head = undefined;
    this.#body = undefined;
    if (head !== undefined) this.#options.message(head, body);
  }
}

/** The bytes as text, if they are one that is worth it. A message of protobuf begins with a control character, as a rule. */
function asciiText(chunk: Buffer, from: number, to: number): string | undefined {
  if ((chunk[from] ?? 0) < space || to - from > longestText) return undefined;
  const text = chunk.toString("latin1", from, to);
  return /[^\x00-\x7f]/.test(text) ? undefined : text;
}

const space = 0x20;
/** Longer bodies are made text by their codec, which is quicker for many. In bytes. */
const longestText = 4_096;
