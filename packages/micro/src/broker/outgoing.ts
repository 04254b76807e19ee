import { headers } from "../headers.ts";
import type { Metadata } from "../metadata.ts";
import { asciiField } from "../mux/body.ts";
import { type Message, messageHeaders } from "./broker.ts";
import { encodeEnvelope } from "./envelope.ts";
import { messageOf, type TextMessage } from "./text-message.ts";

/** A message on its way to its subscribers: a copy, and the forms in which it travels. */
export class Outgoing {
  readonly topic: string;
  /** What most messages of a publisher have in common. Empty when there is none. */
  readonly contentType: string;
  readonly from: string;
  /** Its `Micro-Id` as a field of a mux frame. */
  readonly id: string;
  /** The rest of the header, without the topic, as another. */
  readonly metadata: string;
  readonly body: Buffer | string;
  /** Length of the body, in bytes. */
  readonly size: number;
  #envelope: Buffer | undefined;

  private constructor(topic: string, { contentType, from, id, metadata }: Fields, body: Buffer | string) {
    this.topic = topic;
    this.contentType = contentType;
    this.from = from;
    this.id = id;
    this.metadata = metadata;
    this.body = body;
    this.size = typeof body === "string" ? Buffer.byteLength(body) : body.length;
  }

  static of(topic: string, { header, body }: Message): Outgoing {
    return new Outgoing(topic, fieldsOf(header), Buffer.from(body));
  }

  static ofText(topic: string, message: TextMessage): Outgoing {
    const { contentType, id, metadata, body } = message;
    if (id !== "" && !isIdField(id)) {
      return Outgoing.of(topic, messageOf(message, topic, Buffer.from(body)));
    }
    const { from, metadata: rest } = sharedFields.of(metadata);
    return new Outgoing(topic, { contentType, from, id: id || "-", metadata: rest }, body);
  }

  /** All of it as go-micro takes it. Made at most once. */
  get envelope(): Buffer {
    const { body } = this;
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    this.#envelope ??= encodeEnvelope({ header: this.#header(), body: bytes }, this.topic);
    return this.#envelope;
  }

  #header(): Metadata {
    const { contentType, from, id, metadata } = this;
    const header = Object.assign(Object.create(null), metadata === "-" ? {} : JSON.parse(metadata));
    if (contentType !== "") header[messageHeaders.contentType] = contentType;
    if (from !== "") header[headers.fromService] = from;
    if (id !== "-") header[messageHeaders.id] = id;
    return header;
  }
}

interface Fields {
  readonly contentType: string;
  readonly from: string;
  readonly id: string;
  readonly metadata: string;
}

function fieldsOf(header: Readonly<Metadata>): Fields {
  let contentType = "";
  let from = "";
  let id = "-";
  let rest = "";
  for (const key in header) {
    const value: unknown = header[key];
    if (key === messageHeaders.topic || value === undefined) continue;
    // Programs without types may put a number there, which no receiver takes.
    const text = String(value);
    if (key === messageHeaders.contentType && text !== "") contentType = text;
    else if (key === headers.fromService && text !== "") from = text;
    else if (key === messageHeaders.id && isIdField(text)) id = text;
    else rest += `${rest === "" ? "{" : ","}${JSON.stringify(key)}:${JSON.stringify(text)}`;
  }
  return { contentType, from, id, metadata: rest === "" ? "-" : asciiField(`${rest}}`) };
}

/** Whether it is one field of a frame, and not the one that says that there is none. */
function isIdField(id: string): boolean {
  return id !== "-" && /^[!-~]+$/.test(id);
}

/** Remembers the fields of the last map that can't change: most messages of a client have one and the same. */
class SharedFields {
  #last: Readonly<Metadata> | undefined;
  #fields: Fields = fieldsOf({});

  of(metadata: Readonly<Metadata>): Fields {
    if (metadata === this.#last) return this.#fields;
    const fields = fieldsOf(metadata);
    if (Object.isFrozen(metadata)) {
      this.#last = metadata;
      this.#fields = fields;
    }
    return fields;
  }
}

const sharedFields = new SharedFields();
