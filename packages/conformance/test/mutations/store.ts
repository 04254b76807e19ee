import { randomUUID } from "node:crypto";
import { storeConformance } from "../../src/index.ts";
import type { MutationList } from "../mutation.ts";

const hub = randomUUID();

export const mutations: MutationList<typeof import("ts-micro/store")> = {
  entries: ["store/index.js"],
  suite: ({ newMemoryStore }) =>
    storeConformance("memory", {
      create: (_, options) => newMemoryStore({ ...options, addresses: [hub] }),
      supports: { survivesClose: false, valueBytes: 1_024 },
      timeoutMs: 3_000,
    }),
  mutations: [
    ["store/request.js", "value: Buffer.from(value),", "value,", "what is handed in isn't copied"],
    ["store/table.js", "Buffer.from(record.value)", "record.value", "what is handed out isn't copied"],
    ["store/request.js", "key.startsWith(prefix) && ", "", "the prefix is forgotten"],
    ["store/request.js", " && key.endsWith(suffix)", "", "the suffix is forgotten"],
    ["store/request.js", ".sort(byBytes)", "", "keys come in the order in which they were written"],
    ["store/request.js", ".sort(byBytes)", ".sort()", "keys have UTF-16's order"],
    ["store/request.js", ".slice(offset, offset + limit)", "", "nothing is cut"],
    ["store/request.js", "offset + limit)", "limit)", "the limit is an end, as in go-micro v2.9.1"],
    ["store/request.js", ".slice(offset, offset + limit)", ".slice(offset)", "the limit is forgotten"],
    [
      "store/request.js",
      "limit === 0 ? Number.POSITIVE_INFINITY : limit",
      "limit",
      "no limit is none at all",
    ],
    ["store/request.js", 'prefix ? key : ""', '""', "reading by prefix reads everything"],
    ["store/request.js", 'suffix ? key : ""', '""', "reading by suffix reads everything"],
    ["store/request.js", "options.ttlMs ?? expiryMs", "expiryMs", "the option's time is forgotten"],
    ["store/request.js", "options.ttlMs ?? expiryMs", "expiryMs || options.ttlMs", "the record's time wins"],
    ["store/request.js", "ttlMs >= 0 && ", "", "a negative time is taken"],
    ["store/request.js", " && ttlMs <= Number.MAX_SAFE_INTEGER / 2", "", "an endless time is taken"],
    ["store/request.js", "given.database ?? ", "", "the operation's database is forgotten"],
    ["store/request.js", "given.table ?? ", "", "the operation's table is forgotten"],
    ["store/request.js", "store.database ?? ", "", "the store's database is forgotten"],
    ["store/request.js", "store.table ?? ", "", "the store's table is forgotten"],
    ["store/request.js", "bytes === 0 || ", "", "an empty key is taken"],
    ["store/request.js", "|| bytes > maxBytes", "", "keys may be too long"],
    ["store/request.js", 'text.includes("\\0") || ', "", "U+0000 is taken"],
    ["store/request.js", " || /\\p{Surrogate}/u.test(text)", "", "half a surrogate pair is taken"],
    ["store/request.js", "Number.isSafeInteger(count) && ", "", "half a record may be left out"],
    [
      "store/request.js",
      "{ key, value, metadata: JSON.parse(metadata) }",
      "{ key, value, metadata: {} }",
      "metadata is lost",
    ],
    ["store/request.js", "{ ...record, expiryMs }", "record", "what is left of the time isn't told"],
    [
      "store/request.js",
      "!(value instanceof Uint8Array)",
      "value === null",
      "a value that is no bytes is taken",
    ],
    ["store/request.js", 'kindOf(metadata) !== "an object"', "false", "metadata may be a list"],
    [
      "store/table.js",
      "this.delete(record.key);\n        this.#records.set",
      "this.#records.get(record.key);\n        if (before === undefined) this.#records.set",
      "the first write stays",
    ],
    [
      "store/table.js",
      "if (!isExpired(record, now))\n                yield",
      "yield",
      "lists have what is over",
    ],
    [
      "store/table.js",
      "record === undefined || isExpired(record, Date.now()) ? undefined",
      "record === undefined ? undefined",
      "what is over can be read",
    ],
    ["store/table.js", "Date.now() + ttlMs", "Date.now() + 1_000 * ttlMs", "the time is in seconds"],
    [
      "store/table.js",
      "record.expiresAt - Date.now()",
      "record.expiresAt",
      "the end is told for what is left",
    ],
    ["store/table.js", "this.#records.delete(key);", "", "nothing is deleted"],
    [
      "store/memory.js",
      "throw recordNotFound(key, place);",
      "return [];",
      "what isn't there is an empty list",
    ],
    ["store/memory.js", "closed = true;", "", "a closed store goes on"],
    [
      "store/memory.js",
      "if (--hub.stores > 0)",
      "if (--hub.stores < 0)",
      "the first to close takes the records away",
    ],
    ["store/memory.js", "hubs.delete(name);", "", "records stay without a store"],
    ["store/failures.js", "notFound(storeId", 'notFound("x"', "the error is another one's"],
  ],
};
