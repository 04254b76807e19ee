export {
  newRegistryCache,
  type RegistryCache,
  type RegistryCacheOptions,
  type Snapshot,
  type SnapshotListener,
} from "./cache.ts";
export * from "./json.ts";
export { KnownNodes, type NodeEntry, nodeEntries } from "./known-nodes.ts";
export { type MdnsRegistryOptions, newMdnsRegistry } from "./mdns.ts";
export { type MemoryRegistryOptions, newMemoryRegistry } from "./memory.ts";
export { byVersion, checkService, fingerprint, withNodes } from "./record.ts";
export * from "./registry.ts";
export { newWatcherQueue, type WatcherOptions, type WatcherQueue } from "./watcher.ts";
export { type Follows, newWatches, type Watches } from "./watches.ts";
