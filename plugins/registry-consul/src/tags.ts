/**
 * A record in a Consul service's tags, as go-micro writes them (go-plugins `registry/consul/encoding.go` @ v2.9.1):
 * a letter, `-`, and hex of zlib of what it stands for. Read is also the form before that, which was plain after `=`.
 */
import { deflateSync, inflateSync } from "node:zlib";
import type { Endpoint } from "ts-micro/registry";
import { endpointToJson, metadataToJson, readEndpoint, readMetadata } from "ts-micro/registry";

/** A tag that inflates to more than this many bytes is hostile. */
const maxInflatedBytes = 1024 * 1024;

export interface Tagged {
  /** Empty for a service that is not of go-micro's kind. */
  readonly version: string;
  /** Of the node. */
  readonly metadata: Record<string, string>;
  readonly endpoints: Endpoint[];
}

export function encodeTags({ version, metadata, endpoints }: Tagged): string[] {
  return [
    ...Object.entries(metadata).map(([key, value]) => encode("t", metadataToJson({ [key]: value }))),
    ...endpoints.map((endpoint) => encode("e", endpointToJson(endpoint))),
    encode("v", version),
  ];
}

/** Passes over tags that mean something to others, or that can't be read. Never throws. */
export function decodeTags(tags: readonly string[]): Tagged {
  return {
    version: versionsIn(tags)[0] ?? "",
    metadata: Object.fromEntries(
      texts(tags, "t").flatMap((json) => Object.entries(readMetadata(parsed(json)))),
    ),
    endpoints: texts(tags, "e")
      .map((json) => readEndpoint(parsed(json)))
      .filter(({ name }) => name !== ""),
  };
}

/** All versions, for the tags of several nodes. */
export function versionsIn(tags: readonly string[]): string[] {
  return texts(tags, "v");
}

/** What stands in the tags of one letter. The form of the first one counts for all, as in go-micro. */
function texts(tags: readonly string[], letter: string): string[] {
  const ours = tags.filter((tag) => tag[0] === letter && (tag[1] === "-" || tag[1] === "="));
  const form = ours[0]?.[1];
  return ours
    .filter((tag) => tag[1] === form)
    .map((tag) => (form === "=" ? tag.slice(2) : inflated(tag.slice(2))))
    .filter((text) => text !== undefined);
}

function encode(letter: string, text: string): string {
  return `${letter}-${deflateSync(text).toString("hex")}`;
}

function inflated(hex: string): string | undefined {
  try {
    return inflateSync(Buffer.from(hex, "hex"), { maxOutputLength: maxInflatedBytes }).toString();
  } catch {
    return undefined;
  }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
