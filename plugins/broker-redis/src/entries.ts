import type { Reply } from "@ts-micro/redis-connection";

/** One message of a stream. */
export interface Entry {
  readonly id: string;
  readonly payload: Buffer;
  /** 1 for the first delivery. */
  readonly attempt: number;
}

/** The field of an entry that holds go-micro's envelope. */
export const messageField = "message";

/** `[[key, [[id, [field, value…]]…]]]`, or null when nothing came in time: what XREAD and XREADGROUP answer. */
export function entriesOfRead(reply: Reply): Entry[] {
  const [, entries] = list(list(reply)[0] ?? null);
  return entriesOf(entries ?? null, 1);
}

/** `[[id, [field, value…]]…]`, with null for entries that are gone: what XCLAIM answers. */
export function entriesOf(reply: Reply, attempt: number): Entry[] {
  return list(reply)
    .map(list)
    .filter(([, fields]) => fields != null)
    .map(([id, fields]) => {
      const pairs = list(fields ?? null);
      const at = pairs.findIndex((name, index) => index % 2 === 0 && String(name) === messageField);
      const payload = pairs[at + 1];
      // An entry of somebody else's is given on as it is empty, and found to be no message.
      return {
        id: String(id),
        payload: at >= 0 && Buffer.isBuffer(payload) ? payload : Buffer.alloc(0),
        attempt,
      };
    });
}

/** What XPENDING says of one entry that is not acknowledged. */
export interface Pending {
  readonly id: string;
  readonly deliveries: number;
}

export function pendingOf(reply: Reply): Pending[] {
  return list(reply).map((each) => {
    const [id, , , deliveries] = list(each);
    return { id: String(id), deliveries: Number(deliveries) };
  });
}

export function list(reply: Reply): readonly Reply[] {
  return Array.isArray(reply) ? reply : [];
}
