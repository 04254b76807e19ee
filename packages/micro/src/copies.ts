/**
 * The copies of ts-micro that this process has loaded. There should be one: two share neither tables nor memory
 * parts. npm installs a second when a plugin names ts-micro as a dependency and not as a peer.
 *
 * Imported by errors.ts, and so by every subpath.
 */
interface Copies {
  /** The first one first. */
  readonly urls: Set<string>;
  /** How many of them were told of. */
  told: number;
}

const key = Symbol.for("ts-micro.copies.v1");
const globals = globalThis as { [key: symbol]: Copies | undefined };
globals[key] ??= { urls: new Set(), told: 1 };
const copies = globals[key];
copies.urls.add(import.meta.url);

/**
 * Where the copies lie, when there are more than were told of by an earlier call; the call counts as telling. One below
 * the folder `projects` is meant to be there beside the first.
 */
export function untoldCopies(projects: () => string | undefined): readonly string[] {
  if (copies.urls.size <= copies.told) return [];
  copies.told = copies.urls.size;
  const folders = [...copies.urls].map((url) => decodeURI(new URL(".", url).href));
  const expected = projects();
  const surplus = folders.slice(1).filter((url) => expected === undefined || !url.startsWith(expected));
  return surplus.length === 0 ? [] : folders;
}
