/**
 * Metadata: texts that travel with a call or a message beside its body, and the headers they become.
 *
 * Keys are stored in Go's canonical form (`Micro-Trace-Id`), because HTTP makes them so; look-ups ignore
 * case, because other transports do not (`metadata/metadata.go`; v6 writes `Micro-ID`).
 */

/** Canonical key → text. Made without a prototype, so a key such as `constructor` is only a key. */
export type Metadata = Record<string, string>;

/** A new, empty map without a prototype. */
export function newMetadata(entries?: Iterable<readonly [string, string]> | Metadata): Metadata {
  // Not `Object.create(null)`: V8 makes a hash table of that, which is several times slower to fill and to walk.
  const metadata: Metadata = Object.setPrototypeOf({}, null);
  if (entries === undefined) return metadata;
  const pairs = Symbol.iterator in entries ? entries : Object.entries(entries);
  for (const [key, value] of pairs as Iterable<readonly [string, string]>) {
    metadata[canonicalKey(key)] = value;
  }
  return metadata;
}

const canonicalKeys = new Map<string, string>();

/**
 * Go's `CanonicalMIMEHeaderKey`: the first letter and each letter after `-` upper-case, the rest lower-case.
 * A key with a byte that is no HTTP token character is returned unchanged.
 */
export function canonicalKey(key: string): string {
  const known = canonicalKeys.get(key);
  if (known !== undefined) return known;
  const canonical = isToken(key)
    ? key.toLowerCase().replace(/(^|-)[a-z]/g, (part) => part.toUpperCase())
    : key;
  // Bounded in number and length, because the keys come from peers.
  if (canonicalKeys.size < 1024 && key.length <= 64) canonicalKeys.set(key, canonical);
  return canonical;
}

/** The value of `key` whatever its case. The exact and the canonical spelling cost one look-up each. */
export function getMetadata(metadata: Metadata, key: string): string | undefined {
  const exact = metadata[key] ?? metadata[canonicalKey(key)];
  if (exact !== undefined) return exact;
  const wanted = key.toLowerCase();
  for (const name in metadata) {
    if (name.toLowerCase() === wanted) return metadata[name];
  }
  return undefined;
}

/** True for a non-empty HTTP token (RFC 9110 §5.6.2). */
export function isToken(text: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text);
}
