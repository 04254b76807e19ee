export type { AvoidanceOptions } from "./avoidance.ts";
export { type DnsSelectorOptions, newDnsSelector } from "./dns.ts";
export { anyProtocol, filterEndpoint, filterLabel, filterProtocol, filterVersion } from "./filters.ts";
export { pure } from "./narrow.ts";
export { newSelector, type RegistrySelectorOptions } from "./registry.ts";
export * from "./selector.ts";
export { newStaticSelector, type StaticSelectorOptions } from "./static.ts";
export { newRoundRobin, random, roundRobin } from "./strategies.ts";
