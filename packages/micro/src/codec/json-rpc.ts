import type { Codec, Decoded, Frame, FrameKind, MessageType } from "./codec.ts";
import { decodeFailed, kindOfValue } from "./failures.ts";
import { fromJson, jsonText, parseJson, toJson } from "./json.ts";

/**
 * `application/json-rpc`: JSON-RPC 1.0 with one parameter and the id as a text (go-micro
 * `codec/jsonrpc/{client,server}.go`). An event is the payload alone.
 */
export const jsonRpcCodec: Codec = {
  name: "json-rpc",

  encode(value: unknown, frame: Frame, type?: MessageType): Uint8Array {
    const payload = payloadText(value, type);
    switch (frame.kind) {
      case "event":
        return Buffer.from(value === undefined ? "" : payload);
      case "request": {
        const [method, id] = [jsonText("json-rpc", frame.endpoint), jsonText("json-rpc", frame.id)];
        // Always one parameter: without any, go-micro's server panics and never answers.
        return Buffer.from(`{"method":${method},"params":[${payload}],"id":${id}}\n`);
      }
      case "response":
        return Buffer.from(`{"id":${jsonText("json-rpc", frame.id)},"result":${payload},"error":null}\n`);
      case "error":
        return Buffer.from(`{"id":"","result":null,"error":${jsonText("json-rpc", frame.error)}}\n`);
    }
  },

  decode(body: Uint8Array, kind: FrameKind, type?: MessageType): Decoded {
    const value = parseJson("json-rpc", body, type);
    if (kind === "event") return { value: fromJson("json-rpc", value, type) };
    if (value === undefined) return { value };
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw decodeFailed("json-rpc", `expected an object, got ${kindOfValue(value)}`);
    }
    const decoded = kind === "request" ? readRequest(value) : readResponse(value);
    // An error has no payload.
    if (decoded.error !== undefined || kind === "error") return decoded;
    return { ...decoded, value: fromJson("json-rpc", decoded.value, type) };
  },
};

/** Bytes are taken as JSON that is written already. */
function payloadText(value: unknown, type: MessageType | undefined): string {
  if (value === undefined) return "null";
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  // go-micro gives messages to encoding/json here, which knows nothing of protobuf's JSON.
  return jsonText("json-rpc", toJson("json-rpc", value, type, true), type?.toJson && goText);
}

/** As JSON.stringify, and bigints as numbers, which JSON has of any length. */
function goText(value: unknown): string | undefined {
  if (typeof value === "bigint") return String(value);
  if (value === null || typeof value !== "object" || "toJSON" in value) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((each) => goText(each) ?? "null")}]`;
  const members = Object.entries(value).flatMap(([name, each]) => {
    const text = goText(each);
    return text === undefined ? [] : [`${JSON.stringify(name)}:${text}`];
  });
  return `{${members}}`;
}

function readRequest(envelope: { method?: unknown; params?: unknown; id?: unknown }): Decoded {
  const { method, params, id } = envelope;
  if (typeof method !== "string")
    throw decodeFailed("json-rpc", `method is ${kindOfValue(method)}, not a text`);
  if (params !== undefined && params !== null && !Array.isArray(params)) {
    throw decodeFailed("json-rpc", `params is ${kindOfValue(params)}, not an array of one`);
  }
  return { value: params?.[0] ?? undefined, endpoint: method, id: idText(id) };
}

function readResponse(envelope: { result?: unknown; error?: unknown; id?: unknown }): Decoded {
  const { result, error, id } = envelope;
  if (error === undefined || error === null) return { value: result ?? undefined, id: idText(id) };
  if (typeof error !== "string") throw decodeFailed("json-rpc", `error is ${kindOfValue(error)}, not a text`);
  return { value: undefined, id: idText(id), error: error === "" ? "unspecified error" : error };
}

function idText(id: unknown): string {
  return typeof id === "string" || typeof id === "number" ? String(id) : "";
}
