import { HttpError } from "../../src/transport/http-error.ts";
import { HttpParser } from "../../src/transport/http-parser.ts";
import type { Kind } from "./http-grammar.ts";

/** What a parser makes of bytes. */
export interface Parsed {
  messages: ParsedMessage[];
  /** Why the rest was refused; `undefined` when it was not. */
  refused: string | undefined;
  /** The status of the refusal. */
  status: number | undefined;
  /** Nothing of a further message has arrived. */
  idle: boolean;
}

export interface ParsedMessage {
  method: string;
  status: number;
  close: boolean;
  header: Record<string, string>;
  /** As latin1. */
  body: string;
}

export interface Limits {
  maxHeadBytes: number;
  maxBodyBytes: number;
}

/**
 * Feeds the pieces one by one, as the transport does: it reads no further after a message that ends the connection.
 * @param end the peer closes afterwards
 */
export function parsed(kind: Kind, pieces: Iterable<Buffer>, limits: Limits, end = false): Parsed {
  const messages: ParsedMessage[] = [];
  const parser: HttpParser = new HttpParser({
    kind,
    ...limits,
    message: (head, body) => {
      const { method, status, close, header } = head;
      messages.push({ method, status, close, header: { ...header }, body: body.toString("latin1") });
      if (close) parser.stop();
    },
  });
  try {
    for (const piece of pieces) parser.push(piece);
    const { idle } = parser;
    if (end) parser.end();
    return { messages, refused: undefined, status: undefined, idle };
  } catch (thrown) {
    if (!(thrown instanceof HttpError)) throw thrown;
    const before = messages.length;
    parser.push(Buffer.from("POST / HTTP/1.1\r\nHost: a\r\n\r\nHTTP/1.1 204 OK\r\n\r\n"));
    if (messages.length !== before) throw new Error("a parser that had refused something went on");
    return { messages, refused: thrown.message, status: thrown.status, idle: false };
  }
}
