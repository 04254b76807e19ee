/**
 * What a message's header looks like to its receiver, whichever transport carried it: HTTP's rules, because HTTP is
 * the transport that everyone speaks.
 */
import { badRequest } from "../errors.ts";
import { canonicalKey, isToken, type Metadata, newMetadata } from "../metadata.ts";

/** Names that say how a message is carried. They are written by the transport and never reach a message. */
export const framingNames: ReadonlySet<string> = new Set([
  "Content-Length",
  "Expect",
  "Host",
  "Keep-Alive",
  "Proxy-Connection",
  "Te",
  "Trailer",
  "Transfer-Encoding",
  "Upgrade",
]);

const knownNames = new Map<string, string>();

/** The canonical form of a header's name, `undefined` for one that HTTP can't carry. */
export function headerName(name: string): string | undefined {
  const known = knownNames.get(name);
  if (known !== undefined) return known;
  if (!isToken(name)) return undefined;
  // A name that was cut out of a received head keeps the whole head alive; what is remembered is a copy.
  const copy = Buffer.from(name, "latin1").toString("latin1");
  const canonical = canonicalKey(copy);
  // Bounded, because the names come from peers.
  if (knownNames.size < 1024 && copy.length <= 64) knownNames.set(copy, canonical);
  return canonical;
}

/**
 * Control characters become spaces, and the spaces around are dropped. Go does so with CR and LF alone, and its
 * server then refuses the message for the others.
 */
export function headerValue(value: string): string {
  if (!/[\x00-\x08\x0a-\x1f\x7f]|^[ \t]|[ \t]$/.test(value)) return value;
  return value.replace(/[\x00-\x08\x0a-\x1f\x7f]/g, " ").replace(/^[ \t]+|[ \t]+$/g, "");
}

/**
 * A copy with canonical names, carriable values, and without framing.
 * @throws MicroError 400 `encode-failed` for a name that HTTP can't carry.
 */
export function carriedHeader(header: Metadata): Metadata {
  const carried = newMetadata();
  for (const key in header) {
    const name = headerName(key);
    if (name === undefined) throw badHeaderName(key);
    if (!framingNames.has(name)) carried[name] = headerValue(header[key] ?? "");
  }
  return carried;
}

export function badHeaderName(name: string): Error {
  return badRequest(
    "go.micro.transport",
    `header name ${JSON.stringify(name)} can't be sent; use letters, digits and hyphens`,
    { reason: "encode-failed" },
  );
}
