import { headers } from "../headers.ts";
import type { Metadata } from "../metadata.ts";
import { asciiField } from "../mux/body.ts";
import { type Message, messageHeaders } from "./broker.ts";
import { encodeEnvelope } from "./envelope.ts";

/** A message on its way to its subscribers: a copy, and the forms in which it travels. */
export class Outgoing {
  readonly topic: string;
  /** What most messages of a publisher have in common. Empty when there is none. */
  readonly contentType: string;
  readonly from: string;
  /** The rest of the header, without the topic, as a field of a mux frame. */
  readonly metadata: string;
  readonly body: Buffer;
  #envelope: Buffer | undefined;

  constructor(topic: string, message: Message) {
    this.topic = topic;
    this.body = Buffer.from(message.body);
    let contentType = "";
    let from = "";
    let rest = "";
    for (const key in message.header) {
      const value: unknown = message.header[key];
      if (key === messageHeaders.topic || value === undefined) continue;
      // Programs without types may put a number there, which no receiver takes.
      const text = String(value);
      if (key === messageHeaders.contentType && text !== "") contentType = text;
      else if (key === headers.fromService && text !== "") from = text;
      else rest += `${rest === "" ? "{" : ","}${JSON.stringify(key)}:${JSON.stringify(text)}`;
    }
    this.contentType = contentType;
    this.from = from;
    this.metadata = rest === "" ? "-" : asciiField(`${rest}}`);
  }

  /** All of it as go-micro takes it. Made at most once. */
  get envelope(): Buffer {
    this.#envelope ??= encodeEnvelope({ header: this.#header(), body: this.body }, this.topic);
    return this.#envelope;
  }

  #header(): Metadata {
    const header = Object.assign(Object.create(null), this.metadata === "-" ? {} : JSON.parse(this.metadata));
    if (this.contentType !== "") header[messageHeaders.contentType] = this.contentType;
    if (this.from !== "") header[headers.fromService] = this.from;
    return header;
  }
}
