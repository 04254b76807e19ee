import { setTimeout as pause } from "node:timers/promises";
import type { Message } from "ts-micro/broker";

export const numbered = (id: number): Message => ({
  header: { "Content-Type": "application/json" },
  body: Buffer.from(String(id)),
});
export const numberOf = ({ body }: Message): number => Number(Buffer.from(body).toString());
export const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
export const sorted = (items: Iterable<number>): number[] => [...items].sort((a, b) => a - b);

export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(10);
}
