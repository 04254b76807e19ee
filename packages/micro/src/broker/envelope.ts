import { jsonText } from "../codec/json.ts";
import type { Logger } from "../logger.ts";
import { canonicalKey, getMetadata, type Metadata, newMetadata } from "../metadata.ts";
import { type Message, messageHeaders } from "./broker.ts";

/**
 * The JSON that go-micro's brokers make of a message: `{"Header":{…},"Body":"<base64>"}`, the keys of the
 * header sorted (`codec/json/marshaler.go` over `broker.Message`). The topic is written into the header.
 */
export function encodeEnvelope(message: Message, topic: string): Buffer {
  return Buffer.from(envelopeText(message, topic));
}

/** The same as text, for engines that put it into a line of their own. */
export function envelopeText({ header, body }: Message, topic: string): string {
  const names = Object.keys(header);
  if (header[messageHeaders.topic] === undefined) names.push(messageHeaders.topic);
  // Almost always they are sorted already.
  if (names.some((name, index) => index > 0 && name < (names[index - 1] as string))) names.sort();
  let fields = "";
  for (const name of names) {
    const value = name === messageHeaders.topic ? topic : header[name];
    if (value !== undefined) fields += `${fields === "" ? "" : ","}${quoted(name)}:${quoted(value)}`;
  }
  const base64 = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("base64");
  return `{"Header":{${fields}},"Body":"${base64}"}`;
}

/** Most texts need no escapes, neither JSON's nor those that Go adds. */
function quoted(text: string): string {
  const isPlain = typeof text === "string" && /^[ !#-%'-;=?-[\]-~]*$/.test(text);
  return isPlain ? `"${text}"` : jsonText("broker message", text);
}

/**
 * Reads it back, strictly: texts in the header, padded base64 in the body.
 * @throws Error saying what is wrong
 */
export function decodeEnvelope(bytes: Buffer): Message {
  const envelope: unknown = JSON.parse(bytes.toString());
  if (typeof envelope !== "object" || envelope === null || Array.isArray(envelope)) {
    throw new TypeError("the envelope is not an object");
  }
  const { Header: header, Body: body } = envelope as { Header?: unknown; Body?: unknown };
  return { header: readHeader(header ?? {}), body: readBody(body ?? "") };
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
    logger.error(`message on "${topic}" dropped, it is not a go-micro message: ${why}`);
    return undefined;
  }
}

export function topicOf(message: Message): string | undefined {
  return getMetadata(message.header, messageHeaders.topic);
}

function readHeader(header: unknown): Metadata {
  if (typeof header !== "object" || header === null || Array.isArray(header)) {
    throw new TypeError("Header is not an object");
  }
  const metadata = newMetadata();
  const texts = header as Readonly<Record<string, unknown>>;
  for (const name in texts) {
    const text = texts[name];
    if (typeof text !== "string") throw new TypeError(`Header ${JSON.stringify(name)} is not a string`);
    metadata[canonicalKey(name)] = text;
  }
  return metadata;
}

function readBody(body: unknown): Buffer {
  if (typeof body !== "string" || body.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(body)) {
    throw new TypeError("Body is not padded base64");
  }
  return Buffer.from(body, "base64");
}
