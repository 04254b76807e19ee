export * from "./failures.ts";
export { type FileStoreOptions, newFileStore } from "./file.ts";
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
export { newUnderWay, type UnderWay } from "./under-way.ts";
