import { membersOf, readService, serviceToJson } from "ts-micro/registry";

/** Of one prefix, as go-micro names them (`registry/nats/nats.go` @ v6.10.0, and go-plugins' @ v2.9.1). */
export const queryOf = (prefix: string): string => `${prefix}.query`;
export const watchOf = (prefix: string): string => `${prefix}.watch`;

/** Who is asked: the owners of one service, or all. */
export type Query = { readonly name: string } | "all";

/** Go's services crash on a `get` whose service is null. */
export function queryToJson(query: Query): string {
  if (query === "all") return '{"Action":"list","Service":null}';
  const service = { name: query.name, version: "", metadata: {}, endpoints: [], nodes: [] };
  return `{"Action":"get","Service":${serviceToJson(service)}}`;
}

/** `undefined` for what asks nothing. */
export function queryFromJson(text: string): Query | undefined {
  const fields = membersOf(parse(text));
  if (fields.get("action") === "list") return "all";
  if (fields.get("action") === "get") return { name: readService(fields.get("service")).name };
  return undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
