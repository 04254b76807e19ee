import { jsonText } from "../codec/json.ts";
import type { Logger } from "../logger.ts";
import { getMetadata, newMetadata } from "../metadata.ts";
import { type Message, messageHeaders } from "./broker.ts";

/**
 * The JSON that go-micro's brokers make of a message: `{"Header":{…},"Body":"<base64>"}`, the keys of the
 * header sorted (`codec/json/marshaler.go` over `broker.Message`). The topic is written into the header.
 */
export function encodeEnvelope(message: Message, topic: string): Buffer {
  const entries = Object.entries(message.header).filter(([key]) => key !== messageHeaders.topic);
  entries.push([messageHeaders.topic, topic]);
  const header = Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  const { buffer, byteOffset, byteLength } = message.body;
  const body = Buffer.from(buffer, byteOffset, byteLength).toString("base64");
  return Buffer.from(`{"Header":${jsonText("broker message", header)},"Body":"${body}"}`);
}

/**
 * Reads it back, strictly: texts in the header, padded base64 in the body.
 * @throws Error saying what is wrong
 */
export function decodeEnvelope(bytes: Buffer): Message {
  const envelope: unknown = JSON.parse(bytes.toString());
  if (typeof envelope !== "object" || envelope === null || Array.isArray(envelope)) {
    throw new TypeError("the envelope is no object");
  }
  const { Header: header, Body: body } = envelope as { Header?: unknown; Body?: unknown };
  return { header: newMetadata(readHeader(header ?? {})), body: readBody(body ?? "") };
}

/**
 * The message of an engine's payload, its topic in the header. `undefined`, and a line in the log, for what is no go-micro
 * message: no retry would mend it.
 */
export function readEnvelope(bytes: Buffer, topic: string, logger: Logger): Message | undefined {
  try {
    const message = decodeEnvelope(bytes);
    message.header[messageHeaders.topic] ??= topic;
    return message;
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    logger.error(`message on "${topic}" dropped, it is no go-micro message: ${why}`);
    return undefined;
  }
}

export function topicOf(message: Message): string | undefined {
  return getMetadata(message.header, messageHeaders.topic);
}

function readHeader(header: unknown): [string, string][] {
  if (typeof header !== "object" || header === null || Array.isArray(header)) {
    throw new TypeError("Header is no object");
  }
  return Object.entries(header).map(([key, value]) => {
    if (typeof value !== "string") throw new TypeError(`Header ${JSON.stringify(key)} is no text`);
    return [key, value];
  });
}

function readBody(body: unknown): Buffer {
  if (typeof body !== "string" || body.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(body)) {
    throw new TypeError("Body is no padded base64");
  }
  return Buffer.from(body, "base64");
}
