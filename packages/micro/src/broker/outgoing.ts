import { headers } from "../headers.ts";
import { type Metadata, newMetadata } from "../metadata.ts";
import { metadataField } from "../mux/body.ts";
import { type Message, messageHeaders } from "./broker.ts";
import { encodeEnvelope } from "./envelope.ts";

/** A message on its way to its subscribers: a copy, and the forms in which it travels, each made at most once. */
export class Outgoing {
  readonly topic: string;
  readonly body: Buffer;
  readonly #header: Metadata;
  #metadata: string | undefined;
  #envelope: Buffer | undefined;

  constructor(topic: string, message: Message) {
    this.topic = topic;
    this.body = Buffer.from(message.body);
    this.#header = { ...message.header };
  }

  /** What most messages of a publisher have in common. Empty when there is none. */
  get contentType(): string {
    return this.#header[messageHeaders.contentType] ?? "";
  }

  get from(): string {
    return this.#header[headers.fromService] ?? "";
  }

  /** The rest of the header as a field of a mux frame. */
  get metadata(): string {
    this.#metadata ??= restOf(this.#header);
    return this.#metadata;
  }

  /** All of it as go-micro takes it. */
  get envelope(): Buffer {
    this.#envelope ??= encodeEnvelope({ header: this.#header, body: this.body }, this.topic);
    return this.#envelope;
  }
}

function restOf(header: Metadata): string {
  let rest: Metadata | undefined;
  for (const key in header) {
    const value = header[key] as string;
    if (key === messageHeaders.topic) continue;
    if (value !== "" && (key === messageHeaders.contentType || key === headers.fromService)) continue;
    rest ??= newMetadata();
    rest[key] = value;
  }
  return rest === undefined ? "-" : metadataField(rest);
}
