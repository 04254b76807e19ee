import { errorText, MicroError } from "../errors.ts";
import { newMetadata } from "../metadata.ts";
import { type Message, messageHeaders } from "./broker.ts";

/** A message of its own: nothing that is done to it shows in the other one. Header names become canonical. */
export function copyMessage(message: Message): Message {
  return { header: newMetadata(message.header), body: Buffer.from(message.body) };
}

/** The copy that is published on the dead letter topic: the message, and why it is there. */
export function deadLetterMessage(
  message: Message,
  topic: string,
  attempts: number,
  thrown: unknown,
): Message {
  const letter = copyMessage(message);
  letter.header[messageHeaders.error] = errorText(MicroError.from(thrown));
  letter.header[messageHeaders.attempts] = String(attempts);
  letter.header[messageHeaders.deadTopic] = topic;
  // Subscribers of the dead letter topic look for that name here, as go-micro's mucp server does.
  delete letter.header[messageHeaders.topic];
  if (thrown instanceof Error && thrown.stack !== undefined) {
    letter.header[messageHeaders.errorStack] = thrown.stack.slice(0, longestStack);
  }
  return letter;
}

/** In characters. Enough for the frames that matter; engines limit the size of headers. */
const longestStack = 4_096;
