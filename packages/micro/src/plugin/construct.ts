/**
 * Phase `construct`: calls a factory and checks member by member what it gives.
 */
import { isBuiltIn } from "../cmd/defaults.ts";
import { MicroError } from "../errors.ts";
import type { Factory, Kind, OptionsOf, PartOf } from "../kinds.ts";
import { kinds } from "../kinds.ts";
import { shapeProblems } from "../shape.ts";
import { initialisedPlugins } from "./init.ts";
import { PluginError, type PluginErrorCode, reasonOf } from "./plugin-error.ts";

/**
 * Builds the part called `name` with `factory`, whoever wrote it into the table.
 * @throws PluginError phase `construct` when the factory throws, gives a promise, or its result lacks members
 */
export function construct<K extends Kind>(
  type: K,
  name: string,
  factory: Factory<K>,
  options: OptionsOf<K>,
): PartOf<K> {
  const from = initialisedPlugins().findLast(({ config }) => config.newFunc === (factory as unknown))?.from;
  const failure = (code: PluginErrorCode, what: string, cure: string, rest: object = {}): PluginError =>
    new PluginError({ phase: "construct", code, path: from ?? name, what, cure, ...rest });
  let part: unknown;
  let problems: string[];
  try {
    part = factory(options);
    problems = isPromise(part) ? [] : shapeProblems(kinds[type].shape, part);
  } catch (cause) {
    if (MicroError.is(cause) && cause.code === 400) {
      const what = `The ${type} ${name} can't be made of its options`;
      const problems = [withoutName(cause.detail, type, name)];
      throw failure("PLUGIN_FACTORY_THREW", what, "", { problems, cause });
    }
    throw failure(
      "PLUGIN_FACTORY_THREW",
      `newFunc of the ${type} ${name} threw ${reasonOf(cause)}`,
      `Check the options it was given${isBuiltIn(factory) ? "" : ", or fix the plugin"}.`,
      { cause },
    );
  }
  if (isPromise(part)) {
    // Nobody else will hear of its failure.
    part.then(undefined, () => undefined);
    throw failure(
      "PLUGIN_FACTORY_ASYNC",
      `newFunc of the ${type} ${name} returned a promise`,
      "Make it synchronous, and open connections in connect, listen or start.",
    );
  }
  if (problems.length > 0) {
    throw failure(
      "PLUGIN_PART_INCOMPLETE",
      `Invalid plugin ${name}: what newFunc returns is not a ${type}`,
      `Implement what the interface in ts-micro/${type} asks for.`,
      { problems },
    );
  }
  return part as PartOf<K>;
}

/** Details begin with the part's name where they are read without this sentence: `kubernetes: …`, `broker nats: …`. */
function withoutName(detail: string, type: Kind, name: string): string {
  const named = [`${name}: `, `${type} ${name}: `].find((start) => detail.startsWith(start)) ?? "";
  return detail.slice(named.length);
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
