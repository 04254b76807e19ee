import type { Codec, Decoded, Frame, FrameKind, MessageType } from "./codec.ts";
import { decodeFailed, encodeFailed, kindOfValue, messageOf } from "./failures.ts";

/** Not the codec's own, so that `{ ...jsonCodec, encode, decode }` has none that say something else than its bytes. */
const asText: Required<Pick<Codec, "encodeText" | "bodyText" | "decodeText">> = {
  encodeText(value: unknown, frame: Frame, type?: MessageType): string | undefined {
    if (value instanceof Uint8Array) return undefined;
    return value === undefined && frame.kind !== "response" ? "" : textOf(value, type);
  },

  bodyText(value: unknown, frame: Frame, type?: MessageType): string | undefined {
    const text = asText.encodeText(value, frame, type);
    return text === undefined || text === "" ? text : lineLikeGo(text);
  },

  decodeText(text: string, kind: FrameKind, type?: MessageType): unknown {
    const json = text === "" ? undefined : parseText("json", text, type);
    return kind === "error" ? json : fromJson("json", json, type);
  },
};

/**
 * `application/json`: one JSON value and a line feed (go-micro `codec/json/json.go`).
 *
 * An absent response is written as `{}`, because go-micro's client takes an empty body for an error.
 */
export const jsonCodec: Codec = Object.setPrototypeOf(
  {
    name: "json",

    encode(value: unknown, frame: Frame, type?: MessageType): Uint8Array {
      if (value instanceof Uint8Array) return value;
      if (value === undefined && frame.kind !== "response") return new Uint8Array(0);
      return Buffer.from(lineLikeGo(textOf(value, type)));
    },

    decode(body: Uint8Array, kind: FrameKind, type?: MessageType): Decoded {
      const json = parseJson("json", body, type);
      return { value: kind === "error" ? json : fromJson("json", json, type) };
    },
  } satisfies Codec,
  asText,
);

function lineLikeGo(text: string): string {
  return `${escapeLikeGo(text)}\n`;
}

function textOf(value: unknown, type?: MessageType): string {
  return value === undefined ? "{}" : plainText("json", toJson("json", value, type));
}

/** What is written for `value`: its type's JSON form, else the value itself. */
export function toJson(codec: string, value: unknown, type?: MessageType, forGo?: boolean): unknown {
  if (type?.toJson === undefined || value === undefined || value === null) return value;
  try {
    return type.toJson(value, forGo);
  } catch (thrown) {
    throw encodeFailed(codec, `the message type refused ${kindOfValue(value)}: ${messageOf(thrown)}`, thrown);
  }
}

/** What parsed JSON stands for. An absent body of a type is its message of defaults, as in protobuf. */
export function fromJson(codec: string, json: unknown, type?: MessageType): unknown {
  if (type?.fromJson === undefined) return json;
  try {
    return json === undefined ? type.decode(new Uint8Array(0)) : type.fromJson(json);
  } catch (thrown) {
    throw decodeFailed(codec, messageOf(thrown), thrown);
  }
}

type Stringify = (value: unknown) => string | undefined;

/** The JSON text of a value with Go's escapes, without a line feed. `codec` is named when it fails. */
export function jsonText(codec: string, value: unknown, stringify?: Stringify): string {
  return escapeLikeGo(plainText(codec, value, stringify));
}

function plainText(codec: string, value: unknown, stringify: Stringify = JSON.stringify): string {
  let text: string | undefined;
  try {
    text = stringify(value);
  } catch (thrown) {
    throw encodeFailed(codec, messageOf(thrown), thrown);
  }
  if (text === undefined) throw encodeFailed(codec, `${kindOfValue(value)} has no JSON form`);
  return text;
}

/**
 * Reads the first JSON value of a body, as Go's decoder does. A body of nothing but space gives `undefined`.
 * @param type what the value stands for. With one, integers that a number would change come as texts
 */
export function parseJson(codec: string, body: Uint8Array, type?: MessageType): unknown {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString();
  return parseText(codec, text, type);
}

/**
 * Go's encoding/json writes 64-bit integers as numbers, of which JavaScript would lose the last digits; protobuf's JSON
 * takes a text in their place.
 */
function withLongIntegersAsTexts(text: string): string {
  if (!/\d{16}/.test(text)) return text;
  return text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) =>
    /^-?\d{16,20}$/.test(token) && BigInt(Number(token)) !== BigInt(token) ? `"${token}"` : token,
  );
}

function parseText(codec: string, given: string, type?: MessageType): unknown {
  const text = type?.fromJson === undefined ? given : withLongIntegersAsTexts(given);
  try {
    return JSON.parse(text);
  } catch (thrown) {
    const first = firstValue(text);
    if (first === "") return undefined;
    // What is alone in the body and no JSON is not worth a second attempt.
    if (first.length < text.trimEnd().length) {
      try {
        return JSON.parse(first);
      } catch {
        // The first complaint speaks about the whole body, so it is the one to pass on.
      }
    }
    throw decodeFailed(codec, messageOf(thrown), thrown);
  }
}

/** encoding/json's HTML-safe escapes, so that the bytes are those that Go would write. */
function escapeLikeGo(text: string): string {
  return /[<>&\u2028\u2029]/.test(text)
    ? text.replace(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`)
    : text;
}

/** The text up to the end of its first JSON value, found by its brackets and quotes. */
function firstValue(text: string): string {
  const trimmed = text.replace(/^[ \t\r\n]+/, "");
  if (!/^["{[]/.test(trimmed)) return trimmed.split(/[ \t\r\n]/, 1)[0] ?? "";
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < trimmed.length; at++) {
    const char = trimmed[at];
    if (quoted) {
      if (char === "\\") at++;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === "{" || char === "[") depth++;
    else if (char === "}" || char === "]") depth--;
    if (depth === 0 && !quoted) return trimmed.slice(0, at + 1);
  }
  return trimmed;
}
