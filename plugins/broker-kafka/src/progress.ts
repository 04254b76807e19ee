/**
 * How far one partition is handled. Kafka remembers one offset: everything below it is done. So what is finished out
 * of order waits until all before it is.
 *
 * Beside the offset Kafka keeps a note, in which stands how often the messages behind it were given to a handler:
 * `0-2:1,5:3` means once for the first three, and three times for the sixth.
 */
export interface Progress {
  /** The offset of the first message that isn't done. */
  readonly next: number;
  /** How many messages lie between the first that isn't done and the last one begun. */
  readonly ahead: number;
  readonly note: string;
  /** False for a message that was begun or done already: what the group remembers lags behind. */
  wants(offset: number): boolean;
  /** It is taken, and waits before anybody begins it. */
  hold(offset: number): void;
  /** Which attempt it is; 1 for the first. */
  begin(offset: number): number;
  done(offset: number): void;
  /** Nobody finished it: it stays in the way until somebody gets it anew. */
  returned(offset: number, attempts: number): void;
}

export function newProgress(from: number, note = ""): Progress {
  const earlier = readNote(note, from);
  /** Begun and not known to the group as done, in ascending order of offsets, some of which may not exist. */
  const begun = new Map<number, Entry>();
  let next = from;

  function hold(offset: number): Entry {
    const entry = { done: false, attempts: earlier.get(offset) ?? 0 };
    earlier.delete(offset);
    begun.set(offset, entry);
    return entry;
  }

  return {
    get next() {
      return next;
    },
    get ahead() {
      return begun.size;
    },
    get note() {
      const open = [...begun].filter(([, { done }]) => !done);
      return writeNote(
        new Map([...earlier, ...open.map(([offset, { attempts }]) => [offset, attempts] as const)]),
        next,
      );
    },
    wants: (offset) => offset >= next && !begun.has(offset),
    hold,
    begin(offset) {
      const entry = begun.get(offset) ?? hold(offset);
      return ++entry.attempts;
    },
    done(offset) {
      const entry = begun.get(offset);
      if (entry === undefined) return;
      entry.done = true;
      for (const [first, { done }] of begun) {
        if (!done) break;
        begun.delete(first);
        next = first + 1;
      }
    },
    returned(offset, attempts) {
      const entry = begun.get(offset);
      if (entry !== undefined) entry.attempts = attempts;
    },
  };
}

interface Entry {
  done: boolean;
  attempts: number;
}

/** Longest note that Kafka takes by default (`offset.metadata.max.bytes`). What doesn't fit counts as not tried. */
const longestNote = 4_096;

function writeNote(attempts: ReadonlyMap<number, number>, base: number): string {
  const ranges: { from: number; to: number; count: number }[] = [];
  for (const [offset, count] of [...attempts].sort(([a], [b]) => a - b)) {
    const last = ranges.at(-1);
    if (count === 0 || offset < base) continue;
    if (last?.to === offset - 1 && last.count === count) last.to = offset;
    else ranges.push({ from: offset, to: offset, count });
  }
  let note = "";
  for (const { from, to, count } of ranges) {
    const range = `${from - base}${to === from ? "" : `-${to - base}`}:${count}`;
    if (note.length + range.length + 1 > longestNote) break;
    note += note === "" ? range : `,${range}`;
  }
  return note;
}

/** A note of somebody else's says nothing. */
function readNote(note: string, base: number): Map<number, number> {
  const attempts = new Map<number, number>();
  if (!/^\d+(-\d+)?:\d+(,\d+(-\d+)?:\d+)*$/.test(note) || note.length > longestNote) return attempts;
  for (const range of note.split(",")) {
    const [, from = "0", to = from, count = "0"] = /^(\d+)(?:-(\d+))?:(\d+)$/.exec(range) ?? [];
    for (let offset = Number(from); offset <= Number(to) && attempts.size < mostNoted; offset++) {
      attempts.set(base + offset, Number(count));
    }
  }
  return attempts;
}

/** So that a forged note takes no more memory than a real one. */
const mostNoted = 100_000;
