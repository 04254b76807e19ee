import type { Metadata } from "../metadata.ts";
import type { Message } from "./transport.ts";

/** A message whose body is text. Its bytes are made when somebody asks for them. */
class MessageOfText implements Message {
  readonly header: Metadata;
  readonly text: string;
  #body: Uint8Array | undefined;

  constructor(header: Metadata, text: string) {
    this.header = header;
    this.text = text;
  }

  get body(): Uint8Array {
    this.#body ??= Buffer.from(this.text, "latin1");
    return this.#body;
  }
}

/** @param body text is ASCII, as in `Message.text` */
export function newMessage(header: Metadata, body: string | Uint8Array): Message {
  return typeof body === "string" ? new MessageOfText(header, body) : { header, body };
}

/** In bytes, of which none are made for it. */
export function bodyLength(message: Message): number {
  return message.text?.length ?? message.body.length;
}
