export { didYouMean } from "../shape.ts";
export { type Command, type CommandOptions, readCommand, type Setting } from "./cmd.ts";
export * from "./defaults.ts";
export type { FlagValue, Source } from "./flag-value.ts";
export * from "./flags.ts";
export { type HelpOptions, helpText, knownNames } from "./help.ts";
export {
  type Environment,
  type Given,
  type Parsed,
  type ParseOptions,
  parseFlags,
  scanFlag,
} from "./parse.ts";
