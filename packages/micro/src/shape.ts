/**
 * What an implementation must have, as a value that the compiler holds to the interface.
 *
 * `import()` knows no types, so a part that a plugin made is checked member by member at run time. The
 * list of members stands below each interface and can't drift: a missing or surplus member is a
 * compile error.
 */

type Method = (...args: never[]) => unknown;

/**
 * The run-time kind of one member. `promise` is a method whose result must be awaited; `value` is
 * anything else that has to be there. Optional members end in `?`.
 */
type MemberOf<T> = undefined extends T ? `${RequiredMember<Exclude<T, undefined>>}?` : RequiredMember<T>;

type RequiredMember<T> = T extends Method
  ? ReturnType<T> extends PromiseLike<unknown>
    ? "promise"
    : "method"
  : [T] extends [string]
    ? "string"
    : "value";

export type Member =
  | "method"
  | "promise"
  | "string"
  | "value"
  | "method?"
  | "promise?"
  | "string?"
  | "value?";

export type Shape<T> = { readonly [K in keyof T]-?: MemberOf<T[K]> };

/**
 * Compares a value with a shape and gives one sentence per problem, none when it fits.
 *
 * Inherited members count. A missing member is answered with its near miss:
 * `missing method subscribe (found "subcribe")`.
 */
export function shapeProblems(shape: Readonly<Record<PropertyKey, Member>>, value: unknown): string[] {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) {
    return [`expected an object, got ${value === null ? "null" : typeof value}`];
  }
  const problems: string[] = [];
  for (const key of Reflect.ownKeys(shape)) {
    const member = shape[key]!;
    const optional = member.endsWith("?");
    const kind = optional ? member.slice(0, -1) : member;
    const found = Reflect.get(value, key);
    if (found === undefined) {
      if (!optional) problems.push(`missing ${kindWord(kind)} ${nameOf(key)}${nearMiss(value, key, shape)}`);
    } else if ((kind === "method" || kind === "promise") && typeof found !== "function") {
      problems.push(`${nameOf(key)} must be a method, is ${kindOf(found)}`);
    } else if (kind === "string" && typeof found !== "string") {
      problems.push(`${nameOf(key)} must be a string, is ${kindOf(found)}`);
    }
  }
  return problems;
}

function kindWord(kind: string): string {
  return kind === "promise" ? "method" : kind === "value" ? "member" : kind === "string" ? "string" : kind;
}

function nameOf(key: PropertyKey): string {
  // Node 20's own description is another.
  if (key === Symbol.asyncDispose) return "[Symbol.asyncDispose]";
  return typeof key === "symbol" ? `[${key.description ?? "symbol"}]` : String(key);
}

/** What a value is, for a sentence: `undefined`, `a list`, `a number`. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** True for an object literal, as opposed to an instance of a class. */
export function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function nearMiss(value: object, wanted: PropertyKey, shape: object): string {
  if (typeof wanted !== "string") return "";
  const near = didYouMean(
    wanted,
    memberNames(value).filter((name) => !(name in shape)),
  );
  return near === undefined ? "" : ` (found "${near}", expected "${wanted}")`;
}

function memberNames(value: object): string[] {
  const names = new Set<string>();
  for (
    let at: object | null = value;
    at !== null && at !== Object.prototype;
    at = Object.getPrototypeOf(at)
  ) {
    for (const name of Object.getOwnPropertyNames(at)) names.add(name);
  }
  names.delete("constructor");
  return [...names];
}

/** The nearest of `known` to a mistyped `name`, if any is near enough to be meant. */
export function didYouMean(name: string, known: Iterable<string>): string | undefined {
  let nearest: string | undefined;
  let least = Infinity;
  for (const candidate of known) {
    // At most two edits, one for short names.
    const limit = Math.min(name.length, candidate.length) > 4 ? 2 : 1;
    if (Math.abs(name.length - candidate.length) > limit) continue;
    const edits = editsBetween(name, candidate);
    if (edits <= limit && edits < least) [nearest, least] = [candidate, edits];
  }
  return nearest;
}

/** How many letters are to be changed, left out or put in. Two in the wrong order are one, the case of all is less than one. */
function editsBetween(a: string, b: string): number {
  if (a.toLowerCase() === b.toLowerCase()) return a === b ? 0 : 0.5;
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row[j] = Math.min(
        previous[j]! + 1,
        row[j - 1]! + 1,
        previous[j - 1]! + cost,
        swapped ? beforePrevious[j - 2]! + 1 : Infinity,
      );
    }
    beforePrevious = previous;
    previous = row;
  }
  return previous[b.length]!;
}
