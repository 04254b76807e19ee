import { setTimeout as pause } from "node:timers/promises";
import type { Message } from "ts-micro/broker";

/** A message that carries its number. */
export const message = (id: number): Message => ({
  header: { "Content-Type": "application/json" },
  body: Buffer.from(String(id)),
});

export const idOf = ({ body }: { body: Uint8Array }): number => Number(Buffer.from(body).toString());

export const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

export const ascending = (ids: Iterable<number>): number[] => [...ids].sort((a, b) => a - b);

export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(10);
}
