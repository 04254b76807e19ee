/** `brpc.ChecksumType`. */
export const checksumTypes = { none: 0, crc32c: 1 } as const;

export type Checksum = keyof typeof checksumTypes;

/** CRC-32C (Castagnoli, RFC 3720 §12.1), reflected. */
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** @param before the CRC of what comes before `bytes` */
export function crc32c(bytes: Uint8Array, before = 0): number {
  let crc = ~before;
  for (let n = 0; n < bytes.length; n++) {
    crc = (crc >>> 8) ^ (table[(crc ^ (bytes[n] as number)) & 0xff] as number);
  }
  return ~crc >>> 0;
}

/**
 * What stands in `checksum_value`: the CRC of the payload as it travels, compressed, and of the attachment when
 * that is covered; masked as in LevelDB, so that a CRC of a CRC is no trap; big-endian.
 */
export function checksumValue(payload: Uint8Array, attachment?: Uint8Array): Buffer {
  const crc = attachment === undefined ? crc32c(payload) : crc32c(attachment, crc32c(payload));
  const value = Buffer.allocUnsafe(4);
  value.writeUInt32BE((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0);
  return value;
}
