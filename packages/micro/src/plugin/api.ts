/**
 * Which version of a kind's interface a plugin and this host speak. Versions of packages are never
 * compared.
 */
import { type Kind, kinds } from "../kinds.ts";

/** The highest common version, as go-plugin negotiates; `undefined` when there is none. */
export function commonApi(type: Kind, offered: readonly number[]): number | undefined {
  const common = kinds[type].api.filter((version) => offered.includes(version));
  return common.length === 0 ? undefined : Math.max(...common);
}

/** A sentence when there is no common version. */
export function apiProblem(type: Kind, offered: readonly number[]): string | undefined {
  if (commonApi(type, offered) !== undefined) return undefined;
  return `it implements version ${offered.join(", ")} of the ${type} interface, this ts-micro speaks ${kinds[type].api.join(", ")}`;
}

/** A config's `api` as a list. @default 1 */
export function offeredApi(api: number | readonly number[] | undefined): readonly number[] {
  if (api === undefined) return [1];
  return typeof api === "number" ? [api] : api;
}
