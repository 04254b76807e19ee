/**
 * One process at a time, without a lock of the system's, which Node doesn't offer.
 *
 * A lock is a file `<path>.<generation>` that says who holds it; the highest generation counts. Who finds its holder dead
 * makes the next generation, which succeeds for one only, so that nobody ever has to remove a file that may have
 * become somebody else's.
 */
import { readFileSync, readlinkSync } from "node:fs";
import { readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { serviceUnavailable } from "../errors.ts";
import { storeId } from "./failures.ts";

export interface FileLock {
  /** @throws MicroError 503 when another process has taken it, which one that stood still for long must know. */
  check(): Promise<void>;
  release(): Promise<void>;
}

interface Holder {
  readonly pid: number;
  /** Where `pid` means this process: the machine since its last start, and the container. */
  readonly place: string;
  /** When the process began: numbers of processes are used again. */
  readonly started: string | undefined;
}

export interface LockOptions {
  /** A holder touches its file this often; one elsewhere is dead when it hasn't for five times as long. @default 3_000 */
  touchMs?: number;
  /** Told when somebody elsewhere is watched for that long. */
  onWait?: (file: string) => void;
}

/** @throws MicroError 503 while another process, or another store of this one, holds it. */
export async function takeLock(path: string, options: LockOptions = {}): Promise<FileLock> {
  const { touchMs = 3_000, onWait = () => {} } = options;
  for (;;) {
    const last = (await generations(path)).at(-1) ?? 0;
    if (last > 0) {
      const holder = await livingHolder(`${path}.${last}`, { touchMs, onWait });
      if (holder !== undefined) {
        throw serviceUnavailable(
          storeId,
          `${path} is held by ${holder}; one process at a time may use this table`,
        );
      }
    }
    const mine = `${path}.${last + 1}`;
    if (!(await create(mine))) continue;
    const present = await generations(path);
    if (present.at(-1) !== last + 1) {
      await rm(mine, { force: true });
      continue;
    }
    // Before anything is read, so that a holder that was only asleep finds out.
    for (const older of present.slice(0, -1)) await rm(`${path}.${older}`, { force: true });
    return held(mine, touchMs);
  }
}

function held(file: string, touchMs: number): FileLock {
  const touching = setInterval(() => {
    const now = new Date();
    // What can't be touched is seen by `check`.
    utimes(file, now, now).catch(() => {});
  }, touchMs).unref();
  return {
    async check() {
      if ((await modified(file)) !== undefined) return;
      clearInterval(touching);
      throw serviceUnavailable(storeId, `${file} is gone: another process has taken the table over`);
    },
    async release() {
      clearInterval(touching);
      await rm(file, { force: true });
    },
  };
}

async function generations(path: string): Promise<number[]> {
  const begin = `${basename(path)}.`;
  const names = await readdir(dirname(path));
  return names
    .filter((name) => name.startsWith(begin) && /^\d+$/.test(name.slice(begin.length)))
    .map((name) => Number(name.slice(begin.length)))
    .sort((one, other) => one - other);
}

/** False when it is there already. */
async function create(file: string): Promise<boolean> {
  const me: Holder = { pid: process.pid, place: placeOfProcesses(), started: startOf(process.pid) };
  try {
    await writeFile(file, JSON.stringify(me), { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Who holds the lock, in words; `undefined` when the holder is dead or has let go. */
async function livingHolder(
  file: string,
  { touchMs, onWait }: Required<LockOptions>,
): Promise<string | undefined> {
  const holder = await readHolder(file);
  if (holder?.place === placeOfProcesses()) {
    return isAlive(holder) ? `process ${holder.pid}` : undefined;
  }
  // Nobody here can ask for that process: it shows that it lives by touching the file.
  const before = await modified(file);
  if (before === undefined) return undefined;
  onWait(file);
  for (let waited = 0; waited < 5 * touchMs; waited += touchMs / 3) {
    await pause(touchMs / 3);
    const now = await modified(file);
    if (now === undefined) return undefined;
    if (now !== before) return `process ${holder?.pid ?? "?"} of another machine or container`;
  }
  return undefined;
}

async function readHolder(file: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch {
    // Not written to its end yet, or gone.
    return undefined;
  }
}

async function modified(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).mtimeMs;
  } catch {
    return undefined;
  }
}

function isAlive({ pid, started }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives, as somebody else.
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  return started === undefined || startOf(pid) === started;
}

/** Linux only; a process that has ended and that nobody has taken note of has no start any more. */
function startOf(pid: number): string | undefined {
  const status = firstOf(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
  // The name before `)` may hold blanks. After it, the state is first and the start the twentieth.
  const fields = status?.slice(status.lastIndexOf(")") + 2).split(" ") ?? [];
  return /^[ZX]$/.test(fields[0] ?? "") ? undefined : fields[19];
}

function placeOfProcesses(): string {
  const boot = firstOf(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
  const namespace = firstOf(() => readlinkSync("/proc/self/ns/pid"));
  return boot === undefined || namespace === undefined ? hostname() : `${boot} ${namespace}`;
}

function firstOf(read: () => string): string | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
