import type { Codec, Codecs, Frame } from "../codec/codec.ts";
import { codecFor } from "../codec/codecs.ts";
import { MicroError } from "../errors.ts";
import { headers } from "../headers.ts";
import type { Metadata } from "../metadata.ts";
import { metadataField } from "../mux/body.ts";
import { maxHeadBytes } from "../mux/head.ts";
import type { Link } from "../mux/link.ts";
import type { StreamRequest } from "./client.ts";

/** What is constant for many calls: sent once, and named by its number from then on. */
export class Head {
  readonly number: number;
  readonly service: string;
  readonly contentType: string;
  readonly from: string | undefined;
  readonly codec: Codec;
  /** For the codec. */
  readonly frame: Frame;
  #fields = "";
  #ms = -1;
  #metadata: Readonly<Metadata> | undefined;

  constructor(
    number: number,
    request: StreamRequest,
    contentType: string,
    from: string | undefined,
    codec: Codec,
  ) {
    this.number = number;
    this.service = request.service;
    this.contentType = contentType;
    this.from = from;
    this.codec = codec;
    this.frame = { kind: "request", id: "", endpoint: request.endpoint, error: "" };
  }

  /** The fields behind the number of a call, a space at both ends. Most calls with a head have the same. */
  fields(remainingMs: number, metadata: Readonly<Metadata>): string {
    const ms = timeField(remainingMs);
    if (ms === this.#ms && metadata === this.#metadata) return this.#fields;
    const fields = ` ${this.number} ${ms} ${extraField(metadata)} `;
    if (Object.isFrozen(metadata)) {
      this.#fields = fields;
      this.#ms = ms;
      this.#metadata = metadata;
    }
    return fields;
  }
}

/** Heads that a connection may have; when they are used up, the numbers are given anew. */
const maxHeads = 1024;

/** The heads that a connection has sent. */
export class Heads {
  readonly #link: Link;
  readonly #settings: { readonly contentType: string; readonly codecs: Codecs };
  readonly #byEndpoint = new Map<string, Head[]>();
  #count = 0;

  constructor(link: Link, settings: { readonly contentType: string; readonly codecs: Codecs }) {
    this.#link = link;
    this.#settings = settings;
  }

  /**
   * The head of a request, which is sent now when it is new.
   * @throws MicroError 415 `unsupported-content-type`; 413 `too-large` for names that no server takes
   */
  of(request: StreamRequest, metadata: Readonly<Metadata>): Head {
    const { service, endpoint } = request;
    const contentType = request.contentType ?? this.#settings.contentType;
    const from = metadata[headers.fromService];
    const known = this.#byEndpoint.get(endpoint);
    if (known !== undefined) {
      for (const head of known) {
        if (head.service === service && head.contentType === contentType && head.from === from) return head;
      }
    }
    const codec = codecFor(contentType, this.#settings.codecs);
    if (this.#count >= maxHeads) {
      this.#byEndpoint.clear();
      this.#count = 0;
    }
    const text = JSON.stringify({ service, endpoint, contentType, from });
    // The server would end the connection, and with it the calls of others.
    if (Buffer.byteLength(text) > maxHeadBytes) throw tooLong(endpoint, Buffer.byteLength(text));
    const head = new Head(this.#count++, request, contentType, from, codec);
    this.#link.send(`h${head.number} `, text);
    const same = this.#byEndpoint.get(endpoint);
    if (same === undefined) this.#byEndpoint.set(endpoint, [head]);
    else same.push(head);
    return head;
  }
}

function tooLong(endpoint: string, length: number): MicroError {
  const detail = `service, endpoint "${endpoint.slice(0, 100)}", content type and caller have ${length} bytes together, ${maxHeadBytes} are allowed`;
  return new MicroError({ id: "go.micro.client", code: 413, detail, reason: "too-large" });
}

/** Milliseconds until the caller gives up, 0 for never: the server shall not give up before it does. */
function timeField(remainingMs: number): number {
  // Beyond a hundred days the digits would become an exponent; nobody waits for those.
  return remainingMs === Infinity ? 0 : Math.max(1, Math.min(Math.ceil(remainingMs), 9_000_000_000));
}

/** What of the metadata is not in the head. */
function extraField(metadata: Readonly<Metadata>): string {
  let extra: Metadata | undefined;
  for (const key in metadata) {
    if (key === headers.fromService) continue;
    extra ??= {};
    extra[key] = metadata[key] as string;
  }
  return extra === undefined ? "-" : metadataField(extra);
}
