import type { Message } from "ts-micro/transport";

export function message(body: string, header: Record<string, string | null> = {}): Message {
  return { header: header as Message["header"], body: Buffer.from(body) };
}

export function text({ body }: Message): string {
  return Buffer.from(body).toString();
}

export function shown(received: Message, name: string): [string, string | undefined] {
  return [text(received), received.header[name]];
}

/** The received values of the names that were sent. A transport may add some, such as `User-Agent`. */
export function headersOf({ header }: Message, expected: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.keys(expected).map((name) => [name, header[name]]));
}

/** Bytes of every value that are the same for the same length. */
export function bytes(length: number): Buffer {
  const result = Buffer.alloc(length);
  for (let n = 0; n < length; n++) result[n] = (n * 31 + (n >> 8)) & 0xff;
  return result;
}
