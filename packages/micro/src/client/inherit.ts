import { headers } from "../headers.ts";
import { canonicalKey, type Metadata, newMetadata } from "../metadata.ts";

/**
 * What a nested call takes over from the call it is made for. go-micro forwards every header, tokens and
 * `Micro-Stream` included.
 */
const inherited = [
  "Micro-Trace-Id",
  "Micro-Span-Id",
  "Micro-Namespace",
  "X-Request-Id",
  "Traceparent",
  "Tracestate",
  "Baggage",
];

/** Never taken from metadata: they would change what the message is, or how it is carried. */
const reserved: ReadonlySet<string> = new Set([
  headers.contentType,
  headers.accept,
  headers.timeout,
  headers.service,
  headers.endpoint,
  headers.method,
  headers.id,
  headers.stream,
  headers.error,
  headers.topic,
  headers.protocol,
  headers.target,
  headers.connection,
  headers.goodbye,
  headers.halfClose,
  "Content-Length",
  "Transfer-Encoding",
  "Host",
  "Local",
  "Remote",
]);

/** Makes the metadata of one outgoing message, a new map each time. */
export type MetadataSource = (own: Metadata | undefined, context: Metadata | undefined) => Metadata;

/** The same for readers: many messages may have one map, which is frozen then. */
export type SharedMetadata = (own: Metadata | undefined, context: Metadata | undefined) => Readonly<Metadata>;

/** Makes a map of nothing, or of the same frozen map, only once: almost all calls of a client have such. */
export function shared(source: MetadataSource): SharedMetadata {
  const none = Object.freeze(newMetadata());
  let last: Metadata | undefined;
  let lastMade: Readonly<Metadata> = none;
  return (own, context) => {
    if (context !== undefined) return source(own, context);
    if (own === last) return lastMade;
    const made = source(own, undefined);
    if (own !== undefined && !Object.isFrozen(own)) return made;
    last = own;
    lastMade = Object.freeze(made);
    return made;
  };
}

/**
 * @param forward keys, or prefixes ending in `*`, that are inherited too. `Authorization` has to be named
 *   in full: `*` doesn't mean it.
 */
export function metadataSource(forward: readonly string[]): MetadataSource {
  const exact = new Set([...inherited, ...forward.filter((key) => !key.endsWith("*")).map(canonicalKey)]);
  const prefixes = forward
    .filter((key) => key.endsWith("*"))
    .map((pattern) => pattern.slice(0, -1).toLowerCase());
  const travelsOn = (key: string): boolean =>
    exact.has(key) ||
    (key !== "Authorization" && prefixes.some((prefix) => key.toLowerCase().startsWith(prefix)));

  return (own, context) => {
    const metadata = newMetadata();
    for (const key in context) {
      const canonical = canonicalKey(key);
      if (travelsOn(canonical) && !reserved.has(canonical)) metadata[canonical] = context[key] as string;
    }
    for (const key in own) {
      const canonical = canonicalKey(key);
      if (!reserved.has(canonical)) metadata[canonical] = own[key] as string;
    }
    return metadata;
  };
}
