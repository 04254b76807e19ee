import type { Order } from "./document.ts";

/** What a caller sends. `data` is what makes a call large, ASCII text or bytes. `name` is ASCII. */
export interface Question {
  readonly name: string;
  readonly data?: string | Uint8Array;
  readonly document?: Order;
}

/** What comes back: `hello <name>`, and the data and the document as they came. */
export interface Answer {
  readonly msg: string;
  readonly data?: string | Uint8Array;
  readonly document?: Order;
}

/** What the handler of every contender does. */
export function answerTo({ name, data, document }: Question): Answer {
  const msg = `hello ${name}`;
  if (document !== undefined) return { msg, document };
  return data === undefined ? { msg } : { msg, data };
}

/** One way to make the same call. */
export interface Contender {
  serve(): Promise<Serving>;
  connect(address: string): Promise<Caller>;
}

export interface Serving {
  /** `host:port`. */
  address: string;
  /** How many published messages have arrived. */
  received?(): number;
  close(): Promise<void>;
}

export interface Caller {
  call(question: Question): Promise<Answer>;
  /** A stream on which questions and answers take turns. Contenders without streams have none. */
  open?(): Promise<Turns>;
  /** Asks once, and gets `itemsPerStream` answers on a stream. Contenders without such streams have none. */
  items?(question: Question): AsyncIterable<Answer>;
  /** Publishes to the server. Contenders that publish only refuse `call`. */
  publish?(question: Question): Promise<void> | void;
  close(): Promise<void>;
}

/** How many answers a stream of the server has. */
export const itemsPerStream = 500;

/** What the streaming handler of every contender does. */
export function* itemsFor(question: Question): Generator<Answer> {
  for (let item = 0; item < itemsPerStream; item++) yield answerTo(question);
}

export interface Turns {
  call(question: Question): Promise<Answer>;
  close(): Promise<void>;
}
