/**
 * Registry records in Go's JSON (`registry/registry.go`), as etcd, NATS, Consul and mDNS carry them.
 *
 * Writing follows `encoding/json` to the byte, with v2.9.1's order of members: map keys sorted by bytes, `<`,
 * `>`, `&` escaped, lists that have nothing in them `null`. Reading accepts what any version of Go writes and
 * more: `null` for every list and map, member names in any case, members that nobody knows.
 */
import { MicroError } from "../errors.ts";
import type { Endpoint, Node, Result, Service, Value } from "./registry.ts";

/** `{"name":…,"version":…,"metadata":null,"endpoints":[…],"nodes":[…]}` */
export function serviceToJson(service: Service): string {
  const { name, version, metadata, endpoints, nodes } = service;
  // A Go server never sets service metadata: nil, which is `null`.
  const map = Object.keys(metadata).length === 0 ? "null" : metadataToJson(metadata);
  return `{"name":${textToJson(name)},"version":${textToJson(version)},"metadata":${map},"endpoints":${list(endpoints, endpointToJson)},"nodes":${list(nodes, nodeToJson)}}`;
}

/** `{"id":…,"address":…,"metadata":{…}}` */
export function nodeToJson({ id, address, metadata }: Node): string {
  return `{"id":${textToJson(id)},"address":${textToJson(address)},"metadata":${metadataToJson(metadata)}}`;
}

/** `{"name":…,"request":…,"response":…,"metadata":{…}}` */
export function endpointToJson({ name, request, response, metadata }: Endpoint): string {
  return `{"name":${textToJson(name)},"request":${valueToJson(request)},"response":${valueToJson(response)},"metadata":${metadataToJson(metadata)}}`;
}

/** The endpoints of a record as a JSON list, `null` when there are none. */
export function endpointsToJson(endpoints: readonly Endpoint[]): string {
  return list(endpoints, endpointToJson);
}

/** `{"key":"value"}` with sorted keys. */
export function metadataToJson(metadata: Readonly<Record<string, string>>): string {
  const keys = Object.keys(metadata).sort(byBytes);
  return `{${keys.map((key) => `${textToJson(key)}:${textToJson(metadata[key] ?? "")}`).join(",")}}`;
}

/** A watch result as NATS carries it; its members have no JSON tags and so begin with capitals. */
export function resultToJson({ action, service }: Result): string {
  return `{"Action":${textToJson(action)},"Service":${serviceToJson(service)}}`;
}

/** @throws MicroError 500 `decode-failed`, when `json` is no JSON object. */
export function serviceFromJson(json: string): Service {
  return readService(parse(json, "service"));
}

/** @throws MicroError 500 `decode-failed`, when `json` is no watch result. */
export function resultFromJson(json: string): Result {
  const fields = membersOf(parse(json, "watch result"));
  const action = fields.get("action");
  if (action !== "create" && action !== "update" && action !== "delete") {
    throw undecodable("watch result", `its action is ${JSON.stringify(action)}`);
  }
  return { action, service: readService(fields.get("service")) };
}

/** A record from parsed JSON. What is missing, `null` or of another type becomes empty. Never throws. */
export function readService(json: unknown): Service {
  const fields = membersOf(json);
  return {
    name: readText(fields.get("name")),
    version: readText(fields.get("version")),
    metadata: readMetadata(fields.get("metadata")),
    endpoints: readEndpoints(fields.get("endpoints")),
    nodes: listOf(fields.get("nodes")).map(readNode),
  };
}

export function readNode(json: unknown): Node {
  const fields = membersOf(json);
  return {
    id: readText(fields.get("id")),
    address: readText(fields.get("address")),
    metadata: readMetadata(fields.get("metadata")),
  };
}

export function readEndpoints(json: unknown): Endpoint[] {
  return listOf(json).map(readEndpoint);
}

export function readEndpoint(json: unknown): Endpoint {
  const fields = membersOf(json);
  return {
    name: readText(fields.get("name")),
    request: readValue(fields.get("request"), maxValueDepth),
    response: readValue(fields.get("response"), maxValueDepth),
    metadata: readMetadata(fields.get("metadata")),
  };
}

/** Values that are no texts are left out: Go can't hold them, and a record is more than one bad entry. */
export function readMetadata(json: unknown): Record<string, string> {
  if (!isObject(json)) return {};
  // fromEntries defines members, so that a key such as `__proto__` is only a key.
  return Object.fromEntries(
    Object.entries(json).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}

/** The members of a JSON object by their names in lower case; of two spellings the last one counts, as in Go. */
export function membersOf(json: unknown): Map<string, unknown> {
  if (!isObject(json)) return new Map();
  return new Map(Object.entries(json).map(([name, value]) => [name.toLowerCase(), value]));
}

/** Go describes types three levels deep. The limit is there for records that nobody's server wrote. */
const maxValueDepth = 32;

function readValue(json: unknown, depth: number): Value | null {
  if (!isObject(json) || depth === 0) return null;
  const fields = membersOf(json);
  return {
    name: readText(fields.get("name")),
    type: readText(fields.get("type")),
    values: listOf(fields.get("values"))
      .map((value) => readValue(value, depth - 1))
      .filter((value) => value !== null),
  };
}

function valueToJson(value: Value | null): string {
  if (value === null) return "null";
  const { name, type, values } = value;
  return `{"name":${textToJson(name)},"type":${textToJson(type)},"values":${list(values, valueToJson)}}`;
}

function list<T>(values: readonly T[], write: (value: T) => string): string {
  return values.length === 0 ? "null" : `[${values.map((value) => write(value)).join(",")}]`;
}

/** A text as Go's `encoding/json` writes it. */
export function textToJson(value: string): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function parse(json: string, what: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw undecodable(what, cause instanceof Error ? cause.message : String(cause), cause);
  }
  if (!isObject(value)) throw undecodable(what, "it is not a JSON object");
  return value;
}

function undecodable(what: string, why: string, cause?: unknown): MicroError {
  return new MicroError({
    id: "go.micro.registry",
    code: 500,
    detail: `a ${what} in the registry can't be read: ${why}`,
    reason: "decode-failed",
    cause,
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function readText(value: unknown): string {
  return typeof value === "string" ? value : "";
}
