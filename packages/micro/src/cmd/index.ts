export * from "./defaults.ts";
export * from "./flags.ts";
