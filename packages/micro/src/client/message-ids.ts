import { randomBytes } from "node:crypto";

/** The last seven digits count between these: small enough to be written quickly, and always seven. */
const first = 0x100_0000;
const end = 0xfff_ffff;

/**
 * Ids of messages in the form of a UUID, as go-micro's. Each of these functions has 94 random bits of its own and counts behind
 * them, which takes a fifth of the time that a random one does.
 */
export function messageIds(): () => string {
  let prefix = "";
  let last = end;
  return () => {
    if (last >= end) {
      prefix = randomPrefix();
      last = first;
    }
    return prefix + (++last).toString(16);
  };
}

/** All but the last seven digits of a UUID of version 4 (RFC 9562). */
function randomPrefix(): string {
  const bytes = randomBytes(13);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{5}).*$/, "$1-$2-$3-$4-$5");
}
