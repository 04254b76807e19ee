import { randomUUID } from "node:crypto";

/** A service name nobody else has. Short: with an id behind it, it must fit into the 63 characters that DNS gives a label. */
export function newName(): string {
  return `interop-${randomUUID().slice(0, 8)}`;
}
