import { type Metadata, newMetadata } from "ts-micro";

/**
 * Reads AMQP's table as go-micro v6 does: what is no text becomes one. RabbitMQ's own entries, such as `x-death`, are
 * left out: published again as texts, the server could not read them.
 */
export function readHeaders(table: Readonly<Record<string, unknown>> = {}): Metadata {
  return newMetadata(
    Object.entries(table)
      .filter(([key]) => !ownHeaders.test(key))
      .map(([key, value]) => [key, textOf(value)] as const),
  );
}

/** They would make the server send the message elsewhere (its "sender-selected distribution"), or be counted wrongly. */
const ownHeaders = /^(x-death|x-(first|last)-death-.*|x-delivery-count|CC|BCC)$/;

/** Texts only, as go-micro's publishers write them. */
export function writeHeaders(header: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(header).filter(([key]) => !ownHeaders.test(key)));
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (Buffer.isBuffer(value)) return value.toString();
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}
