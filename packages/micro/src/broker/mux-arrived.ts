import { headers } from "../headers.ts";
import { type Metadata, newMetadata } from "../metadata.ts";
import type { NamedHead } from "../mux/head.ts";
import type { Line } from "../mux/line.ts";
import { readMetadata } from "../mux/metadata.ts";
import type { Message } from "./broker.ts";
import type { Incoming } from "./handling.ts";
import { messageOf, type TextMessage } from "./text-message.ts";

/** What is constant for many messages, and named by a number. */
export interface MessageHead {
  /** The subscription's id. */
  readonly endpoint: string;
  readonly contentType: string;
  readonly metadata: Readonly<Metadata>;
}

export function messageHead({ endpoint, contentType, from }: NamedHead): MessageHead {
  const metadata = Object.freeze(newMetadata(from === "" ? undefined : { [headers.fromService]: from }));
  return { endpoint, contentType, metadata };
}

/** A message of a publisher that speaks mux, as it came until somebody looks. */
export class Arrived implements Incoming, TextMessage {
  readonly contentType: string;
  readonly metadata: Readonly<Metadata>;
  id: string;
  body: string;
  readonly #topic: string;
  readonly #bytes: Buffer | undefined;
  #message: Message | undefined;

  /** @throws BadFrame, or a SyntaxError */
  constructor({ contentType, metadata }: MessageHead, topic: string, line: Line) {
    this.contentType = contentType;
    const id = line.word();
    this.id = id === "-" ? "" : id;
    const more = line.word();
    this.metadata = more === "-" ? metadata : Object.assign(readMetadata(more), metadata);
    this.#bytes = line.bytes;
    this.body = line.rest();
    this.#topic = topic;
  }

  get text(): TextMessage | undefined {
    return this.#bytes === undefined ? this : undefined;
  }

  get message(): Message {
    this.#message ??= this.#makeMessage();
    return this.#message;
  }

  /** For one that stays for long: parts of a text keep all of it, which is everything that was read together. */
  detach(): void {
    this.id = copyOf(this.id);
    this.body = copyOf(this.body);
  }

  #makeMessage(): Message {
    // Handlers keep ids, to know what they have had.
    const parts = { contentType: this.contentType, id: copyOf(this.id), metadata: this.metadata };
    return messageOf(parts, this.#topic, this.#bytes ?? Buffer.from(this.body, "latin1"));
  }
}

function copyOf(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}
