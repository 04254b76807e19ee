/**
 * The keys of go-micro (`registry/etcd/etcd.go` @ v2.9.1), and etcd's bytes: base64 in the JSON gateway.
 */

/** Below it are all services. */
export const rootPrefix = "/micro/registry/";

/** Below it are the nodes of `service`, and those of services that differ in `/` and `-` only. */
export function servicePrefix(service: string): string {
  return `${rootPrefix}${flat(service)}/`;
}

export function nodeKey(service: string, id: string): string {
  return servicePrefix(service) + flat(id);
}

/** The bounds of all keys that begin with `prefix`, which ends with a `/`. */
export function below(prefix: string): { key: string; range_end: string } {
  return { key: encode(prefix), range_end: encode(`${prefix.slice(0, -1)}0`) };
}

export function encode(text: string): string {
  return Buffer.from(text).toString("base64");
}

export function decode(bytes: string): string {
  return Buffer.from(bytes, "base64").toString();
}

function flat(text: string): string {
  return text.replaceAll("/", "-");
}
