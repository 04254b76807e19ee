export { CallContext, type Context, type Peer } from "./context.ts";
export { formatDuration, parseDuration } from "./duration.ts";
export * from "./errors.ts";
export { type Factory, isKind, type Kind, kindNames, type OptionsOf, type PartOf } from "./kinds.ts";
export { type Logger, type LoggerOptions, newLogger } from "./logger.ts";
export { canonicalKey, getMetadata, type Metadata, newMetadata } from "./metadata.ts";
export type { PartOptions, Parts, TlsOptions } from "./parts.ts";
