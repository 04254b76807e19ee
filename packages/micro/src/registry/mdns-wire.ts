/**
 * The packets of go-micro's mDNS registry, to the byte (`registry/mdns_registry.go`, `util/mdns/*.go`).
 *
 * It uses DNS-SD's records below its own domain: for each node PTR, SRV, A or AAAA, and a TXT that holds the
 * rest of the record as hex of zlib of JSON. An answer is about one node, repeats the question, and has SRV before
 * the address: go-micro ignores anything else.
 */
import { isIPv6 } from "node:net";
import { joinAddress } from "../address.ts";
import {
  type DnsMessage,
  type DnsQuestion,
  type DnsRecord,
  decodeMessage,
  dnsClass,
  dnsFlag,
  encodeMessage,
} from "./dns-message.ts";
import {
  endpointsToJson,
  membersOf,
  metadataToJson,
  readEndpoints,
  readMetadata,
  textToJson,
} from "./json.ts";
import { before, catalogName, serviceName } from "./mdns-names.ts";
import type { Service } from "./registry.ts";

/** Seconds, on every record; 0 says goodbye. */
const recordTtl = 120;
/** What the catalog's entries have for a port, since they stand for no node. */
const catalogPort = 9999;
/** Bytes of one TXT string. */
const maxTextBytes = 255;
/** A record that inflates to more than this many bytes is hostile: it came in one datagram. */
const maxInflatedBytes = 1024 * 1024;
/** Instances that a packet may have: each has a text to inflate. go-micro and we send one. */
const maxInstances = 4;

/** One node as it stands in DNS. */
export interface Instance {
  /** `<node id>.<service>.<domain>` */
  readonly name: string;
  /** Target of the SRV record. */
  readonly hostname: string;
  /** A literal IP address. */
  readonly host: string;
  readonly port: number;
  readonly text: readonly Buffer[];
}

/** An instance that was received. `goodbye` when its records came with a TTL of 0. */
export interface Sighting extends Instance {
  readonly goodbye: boolean;
}

/** `name` PTR IN, with the unicast-response bit clear, as go-micro asks. */
export function encodeQuery(id: number, name: string): Buffer {
  return encodeMessage({ id, flags: 0, questions: [pointerQuestion(name)], answers: [] });
}

function pointerQuestion(name: string): DnsQuestion {
  return { type: "PTR", name, class: dnsClass.internet };
}

/** @param id 0, or the query's id when it asked for a unicast response */
export function encodeAnswer(id: number, question: DnsQuestion, answers: readonly DnsRecord[]): Buffer {
  const flags = dnsFlag.response | dnsFlag.authoritative;
  return encodeMessage({ id, flags, questions: [question], answers });
}

/** What is multicast when a node comes, or when it goes. go-micro sends no PTR here. */
export function encodeAnnouncement(instance: Instance, goodbye = false): Buffer {
  const ttl = goodbye ? 0 : recordTtl;
  const answers = [...locationRecords(instance, ttl), textRecord(instance, ttl)];
  return encodeMessage({ id: 0, flags: dnsFlag.response, questions: [], answers });
}

/** How long the answer about the instance is. The text alone may be more than any message can hold. */
export function answerBytes(instance: Instance, service: string, domain: string): number {
  const question = pointerQuestion(serviceName(service, domain));
  const withoutText = instanceRecords({ ...instance, text: [] }, service, domain);
  const textBytes = instance.text.reduce((sum, { length }) => sum + 1 + length, 0);
  return encodeAnswer(0, question, withoutText).length + textBytes;
}

/** The whole instance, for who asks for its service. */
export function instanceRecords(instance: Instance, service: string, domain: string): DnsRecord[] {
  const pointer: DnsRecord = {
    ...{ type: "PTR", name: serviceName(service, domain), ttl: recordTtl },
    data: instance.name,
  };
  return [pointer, ...locationRecords(instance), textRecord(instance)];
}

/** SRV, and the address it points to. */
export function locationRecords(instance: Instance, ttl = recordTtl): DnsRecord[] {
  const { name, hostname, port } = instance;
  const target = { priority: 10, weight: 1, port, target: hostname };
  return [{ type: "SRV", name, ttl, data: target }, addressRecord(instance, ttl)];
}

export function addressRecord({ hostname, host }: Instance, ttl = recordTtl): DnsRecord {
  const type = isIPv6(host) ? "AAAA" : "A";
  return { type, name: hostname, ttl, data: host };
}

export function textRecord({ name, text }: Instance, ttl = recordTtl): DnsRecord {
  return { type: "TXT", name, ttl, data: text };
}

/** An entry of the catalog: go-micro wants SRV, address and a TXT here too, and looks only at the name. */
export function catalogRecords(service: string, hostname: string, domain: string): DnsRecord[] {
  const catalog = catalogName(domain);
  const entry: Instance = {
    ...{ name: `${service}.${catalog}`, hostname, host: "0.0.0.0", port: catalogPort },
    text: [],
  };
  return [
    { type: "PTR", name: catalog, ttl: recordTtl, data: entry.name },
    ...locationRecords(entry),
    textRecord(entry),
  ];
}

/** DNS-SD's list of types points at the service itself. */
export function typeCatalogRecord(question: string, service: string, domain: string): DnsRecord {
  return { type: "PTR", name: question, ttl: recordTtl, data: serviceName(service, domain) };
}

/** Never throws: `undefined` for whatever is no DNS message. */
export function decodePacket(bytes: Buffer): DnsMessage | undefined {
  if (bytes.length < 12) return undefined;
  // The counts are the sender's word. A question takes 5 bytes at least, a record 11.
  const questions = bytes.readUInt16BE(4);
  const records = bytes.readUInt16BE(6) + bytes.readUInt16BE(8) + bytes.readUInt16BE(10);
  if (12 + questions * 5 + records * 11 > bytes.length) return undefined;
  try {
    return decodeMessage(bytes);
  } catch {
    return undefined;
  }
}

/** The complete instances of a response: those with a port, an address and a text. */
export function sightingsIn(packet: DnsMessage): Sighting[] {
  const hosts = new Map<string, string>();
  const texts = new Map<string, readonly Buffer[]>();
  const records = [...packet.answers, ...packet.additionals];
  for (const record of records) {
    if (record.type === "TXT") texts.set(record.name, record.data);
    // IPv4 is preferred where a host has both, as in go-micro.
    else if (record.type === "A") hosts.set(record.name, record.data);
    else if (record.type === "AAAA" && !hosts.has(record.name)) hosts.set(record.name, record.data);
  }
  const sightings: Sighting[] = [];
  for (const record of records) {
    if (record.type !== "SRV" || record.data.port === 0) continue;
    const { name, ttl } = record;
    const { target: hostname, port } = record.data;
    const host = hosts.get(hostname);
    const text = texts.get(name);
    if (host === undefined || text === undefined) continue;
    if (sightings.length === maxInstances) break;
    sightings.push({ name, hostname, host, port, text, goodbye: ttl === 0 });
  }
  return sightings;
}

/** The names of services in an answer to the catalog's question. */
export function catalogEntriesIn(packet: DnsMessage, domain: string): string[] {
  const catalog = catalogName(domain);
  return packet.answers.flatMap((record) => {
    if (record.type !== "PTR" || record.name !== catalog) return [];
    return before(record.data, catalog) ?? [];
  });
}

/** Service metadata is lost: go-micro's payload has no place for it. */
export function encodeText(record: Service): Buffer[] {
  const { name, version, endpoints, nodes } = record;
  const json = `{"Service":${textToJson(name)},"Version":${textToJson(version)},"Endpoints":${endpointsToJson(endpoints)},"Metadata":${metadataToJson(nodes[0]?.metadata ?? {})}}`;
  const hex = zlib().deflateSync(json).toString("hex");
  const strings: Buffer[] = [];
  for (let at = 0; at < hex.length; at += maxTextBytes) {
    strings.push(Buffer.from(hex.slice(at, at + maxTextBytes), "latin1"));
  }
  return strings;
}

/** The record of one node; `undefined` for an instance of something else, or one that can't be read. */
export function recordOf(instance: Instance, domain: string): Service | undefined {
  const fields = membersOf(inflateJson(instance.text));
  const name = fields.get("service");
  const version = fields.get("version");
  if (typeof name !== "string" || typeof version !== "string") return undefined;
  const id = before(instance.name, serviceName(name, domain));
  if (name === "" || version === "" || id === undefined) return undefined;
  const node = {
    id,
    address: joinAddress(instance.host, instance.port),
    metadata: readMetadata(fields.get("metadata")),
  };
  return { name, version, metadata: {}, endpoints: readEndpoints(fields.get("endpoints")), nodes: [node] };
}

function inflateJson(text: readonly Buffer[]): unknown {
  try {
    const compressed = Buffer.from(Buffer.concat(text).toString("latin1"), "hex");
    return JSON.parse(zlib().inflateSync(compressed, { maxOutputLength: maxInflatedBytes }).toString());
  } catch {
    return undefined;
  }
}

/** Loaded with the first record: whoever has another registry needs none of it. */
function zlib(): typeof import("node:zlib") {
  return process.getBuiltinModule("node:zlib");
}
