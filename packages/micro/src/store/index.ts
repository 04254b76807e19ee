export * from "./failures.ts";
export { type MemoryStoreOptions, newMemoryStore } from "./memory.ts";
export { decodeRecord, newRecord } from "./record.ts";
export {
  byBytes,
  checkKey,
  decodeStored,
  type EncodedRecord,
  encodeRecord,
  placeOf,
  type Selection,
  selectionOfList,
  selectionOfRead,
  selectKeys,
} from "./request.ts";
export * from "./store.ts";
