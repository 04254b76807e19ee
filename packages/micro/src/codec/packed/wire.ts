/** What a value is: the first three bits of its head (docs/packed-json.md). */
export const types = {
  positive: 0x00,
  negative: 0x20,
  text: 0x40,
  array: 0x60,
  /** An object of the shape with that number; the next number that is free defines it. */
  record: 0x80,
  table: 0xa0,
} as const;

export const no = 0xe0;
export const yes = 0xe1;
export const nothing = 0xe2;
/** The member is not there. */
export const absent = 0xe3;
export const float = 0xe4;

/** The first byte of a body: how its texts are written. */
export const latin1 = 1;
export const utf16 = 2;

/** The bytes before the values: the first, and where the texts begin. */
export const headBytes = 5;

/** Records that one body may define. */
export const mostRecords = 256;

/** Levels of arrays and objects in each other. */
export const deepest = 512;
