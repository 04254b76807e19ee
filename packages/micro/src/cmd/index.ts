export * from "./flags.ts";
