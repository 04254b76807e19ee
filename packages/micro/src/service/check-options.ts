/**
 * What `newService` is given, checked for those who write JavaScript, or read options from a file: a misspelt
 * option would be ignored, and a wrong one be told later, as the fault of a part.
 */
import { didYouMean, kindOf } from "../shape.ts";
import type { ServiceOptions } from "./options.ts";

interface Form {
  readonly words: string;
  fits(value: unknown): boolean;
}

const isFunction = (value: unknown): boolean => typeof value === "function";
const isObject = (value: unknown): boolean => typeof value === "object" && value !== null;
const isText = (value: unknown): boolean => typeof value === "string";

const text: Form = { words: "a string", fits: isText };
const milliseconds: Form = { words: "a number of milliseconds", fits: (value) => typeof value === "number" };
const yesOrNo: Form = { words: "true or false", fits: (value) => typeof value === "boolean" };
const object: Form = { words: "an object", fits: (value) => isObject(value) && !Array.isArray(value) };
const method: Form = { words: "a function", fits: isFunction };
const texts: Form = { words: "a list of strings", fits: listOf(isText) };
const functions: Form = { words: "a list of functions", fits: listOf(isFunction) };
const objects: Form = { words: "a list of objects", fits: listOf(isObject) };
const part: Form = {
  words: "a name, a factory or a part",
  fits: (value) => isText(value) || isFunction(value) || isObject(value),
};

const forms: { readonly [Option in keyof Required<ServiceOptions>]: Form } = {
  client: part,
  server: part,
  registry: part,
  broker: part,
  selector: part,
  transport: part,
  store: part,
  partOptions: object,
  name: text,
  id: text,
  version: text,
  commandName: text,
  description: text,
  address: text,
  advertise: text,
  metadata: object,
  registerTtlMs: milliseconds,
  registerIntervalMs: milliseconds,
  registerCheck: method,
  drain: object,
  wrapClient: functions,
  wrapCall: functions,
  wrapHandler: functions,
  wrapSubscriber: functions,
  beforeStart: functions,
  afterStart: functions,
  beforeStop: functions,
  afterStop: functions,
  logger: object,
  argv: texts,
  flags: objects,
  usage: text,
  env: object,
  unknownFlags: { words: '"error" or "ignore"', fits: (value) => value === "error" || value === "ignore" },
  root: text,
  handleSignals: yesOrNo,
  signal: { words: "an AbortSignal", fits: (value) => value instanceof AbortSignal },
};

/** @throws TypeError that names each option that is unknown or of another form. */
export function checkOptions(options: ServiceOptions): void {
  if (!object.fits(options)) {
    throw new TypeError(
      `newService: the options are ${kindOf(options)}; give an object, such as { name: "greeter" }`,
    );
  }
  const problems = Object.entries(options).flatMap(([option, value]) => {
    const form = Object.hasOwn(forms, option) ? forms[option as keyof ServiceOptions] : undefined;
    if (form === undefined) return [`there is no option ${option}${nearMiss(option)}`];
    return value === undefined || form.fits(value)
      ? []
      : [`${option} must be ${form.words}, is ${kindOf(value)}`];
  });
  if (problems.length > 0) throw new TypeError(`newService: ${problems.join("; ")}`);
}

function nearMiss(option: string): string {
  const near = didYouMean(option, Object.keys(forms));
  return near === undefined ? "" : `, did you mean ${near}?`;
}

function listOf(fits: (value: unknown) => boolean): (value: unknown) => boolean {
  return (value) => Array.isArray(value) && value.every(fits);
}
