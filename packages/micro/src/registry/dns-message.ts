/**
 * As much of DNS (RFC 1035) as go-micro's mDNS registry speaks: questions, and records of five types. What has another
 * type is left out of a message that was read.
 */

const typeNumbers = { A: 1, PTR: 12, TXT: 16, AAAA: 28, SRV: 33, ANY: 255 } as const;

export type QuestionType = keyof typeof typeNumbers;

const typeNames: ReadonlyMap<number, QuestionType> = new Map(
  Object.entries(typeNumbers).map(([name, number]) => [number, name as QuestionType]),
);

/** `unicast` asks for the answer to come to the asker alone (RFC 6762 §5.4). */
export const dnsClass = { internet: 1, any: 255, unicast: 0x8001 } as const;

/** Of `flags`: RFC 1035 §4.1.1. */
export const dnsFlag = { response: 0x8000, authoritative: 0x0400 } as const;

/** Names are without the last dot. */
export interface DnsQuestion {
  readonly name: string;
  readonly type: QuestionType;
  readonly class: number;
}

/** `ttl` in seconds. */
export type DnsRecord = { readonly name: string; readonly ttl: number } & (
  | { readonly type: "A" | "AAAA" | "PTR"; readonly data: string }
  | { readonly type: "SRV"; readonly data: DnsPlace }
  | { readonly type: "TXT"; readonly data: readonly Buffer[] }
);

/** RFC 2782. */
export interface DnsPlace {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly target: string;
}

export interface DnsMessage {
  readonly id: number;
  readonly flags: number;
  readonly questions: readonly DnsQuestion[];
  readonly answers: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
}

export function isResponse({ flags }: DnsMessage): boolean {
  return (flags & dnsFlag.response) !== 0;
}

/** @throws RangeError when a record has more than 65_535 bytes; names must be good ones. */
export function encodeMessage({ id, flags, questions, answers }: Omit<DnsMessage, "additionals">): Buffer {
  const head = numbers(id, flags, questions.length, answers.length, 0, 0);
  return Buffer.concat([head, ...questions.flatMap(questionParts), ...answers.flatMap(recordParts)]);
}

function questionParts({ name, type, class: asked }: DnsQuestion): Buffer[] {
  return [encodeName(name), numbers(typeNumbers[type], asked)];
}

function recordParts(record: DnsRecord): Buffer[] {
  const data = encodeData(record);
  const ttl = Buffer.alloc(4);
  ttl.writeUInt32BE(record.ttl);
  const kind = numbers(typeNumbers[record.type], dnsClass.internet);
  return [encodeName(record.name), kind, ttl, numbers(data.length), data];
}

function encodeData(record: DnsRecord): Buffer {
  switch (record.type) {
    case "A":
      return Buffer.from(record.data.split(".").map(Number));
    case "AAAA":
      return numbers(...ipv6Groups(record.data));
    case "PTR":
      return encodeName(record.data);
    case "SRV": {
      const { priority, weight, port, target } = record.data;
      return Buffer.concat([numbers(priority, weight, port), encodeName(target)]);
    }
    case "TXT":
      return Buffer.concat(record.data.map(withLength));
  }
}

/** Uncompressed, as go-micro writes it. */
function encodeName(name: string): Buffer {
  const labels = name.split(".").filter((label) => label !== "");
  return Buffer.concat([...labels.map((label) => withLength(Buffer.from(label))), Buffer.of(0)]);
}

function withLength(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
}

/** Two bytes each. */
function numbers(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  for (const [index, value] of values.entries()) bytes.writeUInt16BE(value, index * 2);
  return bytes;
}

/** The eight numbers of an address. A URL's host has it in the one form of RFC 5952, without IPv4 in it. */
function ipv6Groups(address: string): number[] {
  const [left = [], right = []] = new URL(`http://[${address}]`).hostname
    .slice(1, -1)
    .split("::")
    .map((half) => half.split(":").filter((group) => group !== ""));
  const zeros = new Array<string>(8 - left.length - right.length).fill("0");
  return [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16));
}

/** @throws Error for what is no DNS message, or one that says more than it holds. */
export function decodeMessage(bytes: Buffer): DnsMessage {
  const reader = new Reader(bytes);
  const [id, flags] = [reader.number(), reader.number()];
  const counts = [reader.number(), reader.number(), reader.number(), reader.number()] as const;
  const questions = several(counts[0], () => reader.question());
  const [answers, , additionals] = [
    several(counts[1], () => reader.record()),
    several(counts[2], () => reader.record()),
    several(counts[3], () => reader.record()),
  ];
  return { id, flags, questions, answers, additionals };
}

/** What `read` gives when it is called `count` times, without what is of no interest. */
function several<T>(count: number, read: () => T | undefined): T[] {
  const found: T[] = [];
  for (let index = 0; index < count; index++) {
    const one = read();
    if (one !== undefined) found.push(one);
  }
  return found;
}

/** RFC 1035 §2.3.4, with a byte per label and one for the root. */
const maxNameBytes = 255;

/** A length with these bits is a pointer to a name that stands further in front (RFC 1035 §4.1.4). */
const pointerBits = 0xc0;

/** Reads from the front; a read past the end throws. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  number(): number {
    this.#at += 2;
    return this.#bytes.readUInt16BE(this.#at - 2);
  }

  question(): DnsQuestion | undefined {
    const name = this.#name();
    const type = typeNames.get(this.number());
    const asked = this.number();
    return type === undefined ? undefined : { name, type, class: asked };
  }

  record(): DnsRecord | undefined {
    const name = this.#name();
    const type = typeNames.get(this.number());
    // The class is the internet's, whatever bits mDNS sets in it (RFC 6762 §10.2).
    this.number();
    this.#at += 4;
    const ttl = this.#bytes.readUInt32BE(this.#at - 4);
    const size = this.number();
    const end = this.#at + size;
    if (end > this.#bytes.length) throw new RangeError("a record is longer than its message");
    const data = this.#data(type, end);
    if (this.#at > end) throw new RangeError("the data of a record is longer than it says");
    this.#at = end;
    return data === undefined ? undefined : { name, ttl, ...data };
  }

  #data(type: QuestionType | undefined, end: number): DataOf<DnsRecord> | undefined {
    switch (type) {
      case "A":
        return { type, data: this.#take(4).join(".") };
      case "AAAA":
        return { type, data: ipv6(several(8, () => this.number())) };
      case "PTR":
        return { type, data: this.#name() };
      case "SRV": {
        const [priority, weight, port] = [this.number(), this.number(), this.number()];
        return { type, data: { priority, weight, port, target: this.#name() } };
      }
      case "TXT": {
        const data: Buffer[] = [];
        while (this.#at < end) data.push(this.#take(this.#byte()));
        return { type, data };
      }
      default:
        return undefined;
    }
  }

  #byte(): number {
    this.#at += 1;
    return this.#bytes.readUInt8(this.#at - 1);
  }

  #take(count: number): Buffer {
    const taken = this.#bytes.subarray(this.#at, this.#at + count);
    if (taken.length < count) throw new RangeError("a field is longer than its message");
    this.#at += count;
    return taken;
  }

  #name(): string {
    const labels: string[] = [];
    let start = this.#at;
    let end: number | undefined;
    // A pointer counts as well, which bounds their chain.
    for (let length = 1; ; ) {
      const size = this.#byte();
      length += 1 + (size < pointerBits ? size : 0);
      if (size === 0) break;
      if (length > maxNameBytes) throw new RangeError("a name is too long");
      if (size < pointerBits) {
        if (size > 63) throw new RangeError("a label is too long");
        labels.push(this.#take(size).toString());
        continue;
      }
      const target = ((size - pointerBits) << 8) | this.#byte();
      if (target >= start) throw new RangeError("a name points forward");
      end ??= this.#at;
      start = target;
      this.#at = target;
    }
    this.#at = end ?? this.#at;
    return labels.join(".");
  }
}

/** Of each kind of record what isn't in all of them. */
type DataOf<R> = R extends DnsRecord ? Pick<R, "type" | "data"> : never;

function ipv6(groups: readonly number[]): string {
  const address = groups.map((group) => group.toString(16)).join(":");
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}
