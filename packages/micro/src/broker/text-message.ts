import { type Metadata, newMetadata } from "../metadata.ts";
import { type Message, messageHeaders } from "./broker.ts";

/**
 * A message whose body is text, as that of JSON is, in parts: between our own processes nobody needs to make bytes of its
 * body, nor a map of its header, until somebody looks.
 */
export interface TextMessage {
  /** Empty when there is none. */
  readonly contentType: string;
  /** `Micro-Id`; empty when there is none. */
  readonly id: string;
  /** The rest of the header, without the topic. Not to be changed: many messages may share it. */
  readonly metadata: Readonly<Metadata>;
  /** Without a line feed. */
  readonly body: string;
}

/** The same as everybody else gets it. */
export function messageOf(
  { contentType, id, metadata }: Omit<TextMessage, "body">,
  topic: string,
  body: Uint8Array,
): Message {
  const header = Object.assign(newMetadata(), metadata);
  if (contentType !== "") header[messageHeaders.contentType] = contentType;
  if (id !== "") header[messageHeaders.id] = id;
  header[messageHeaders.topic] = topic;
  return { header, body };
}
