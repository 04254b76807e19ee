import { setTimeout as pause } from "node:timers/promises";
import type { Message } from "ts-micro/broker";

/** A message that carries a number, as JSON. */
export function message(id: number): Message {
  return { header: { "Content-Type": "application/json" }, body: Buffer.from(String(id)) };
}

export function idOf({ body }: { body: Uint8Array }): number {
  return Number(Buffer.from(body).toString());
}

export function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

export function sorted(ids: Iterable<number>): number[] {
  return [...ids].sort((a, b) => a - b);
}

/** The test's own limit ends what never holds. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await pause(10);
}
