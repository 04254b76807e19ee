import type { Metadata } from "../metadata.ts";
import type { Message, Socket, SocketEvents } from "./transport.ts";

/** A message whose body is text until somebody asks for its bytes. */
class MessageOfText implements Message {
  readonly header: Metadata;
  readonly #text: string;
  #body: Uint8Array | undefined;

  constructor(header: Metadata, text: string) {
    this.header = header;
    this.#text = text;
  }

  /** Who has the bytes may change them, as one does who encrypts: from then on they are the body. */
  get text(): string | undefined {
    return this.#body === undefined ? this.#text : undefined;
  }

  get body(): Uint8Array {
    this.#body ??= Buffer.from(this.#text, "latin1");
    return this.#body;
  }

  set body(body: Uint8Array) {
    this.#body = body;
  }
}

/** @param body text is ASCII, as in `Message.text` */
export function newMessage(header: Metadata, body: string | Uint8Array): Message {
  return typeof body === "string" ? new MessageOfText(header, body) : { header, body };
}

/** The message as `taker` wants it. One of bytes has nothing but members of its own, so that `{ ...message }` has them too. */
export function messageFor(taker: Pick<Socket, "takesText"> | undefined, message: Message): Message {
  if (message.text === undefined || taker?.takesText === true) return message;
  return { header: message.header, body: message.body };
}

/** Not the events' own, so that `{ ...events, message }` are given bytes: what is between here may know nothing else. */
export function takingText(events: SocketEvents): SocketEvents {
  return Object.setPrototypeOf(events, { takesText: true });
}

/** In bytes, of which none are made for it. */
export function bodyLength(message: Message): number {
  return message.text?.length ?? message.body.length;
}
