import type { Logger } from "../logger.ts";
import type { Zone } from "./mdns-responder.ts";
import type { SendReport } from "./mdns-socket.ts";
import { encodeAnnouncement, type Instance } from "./mdns-wire.ts";

/** When a node is announced again after the first time, in milliseconds, as in go-micro. */
const repeatsMs = [1_000, 3_000];

interface Entry {
  readonly instance: Instance;
  repeats: NodeJS.Timeout[];
}

/** The nodes that this process answers for. Tells everybody when one comes, changes or goes. */
export class Announcer {
  /** Service → instance name → entry. */
  readonly #entries = new Map<string, Map<string, Entry>>();
  readonly #send: (packet: Buffer) => Promise<SendReport>;
  readonly #logger: Logger;

  constructor(send: (packet: Buffer) => Promise<SendReport>, logger: Logger) {
    this.#send = send;
    this.#logger = logger;
  }

  get empty(): boolean {
    return this.#entries.size === 0;
  }

  get zone(): Zone {
    return new Map(
      [...this.#entries].map(([service, entries]) => [
        service,
        [...entries.values()].map((it) => it.instance),
      ]),
    );
  }

  /** Resolves when the instance was announced once. What is announced already is left alone. */
  async add(service: string, instance: Instance): Promise<void> {
    const entries = this.#entries.get(service) ?? new Map<string, Entry>();
    this.#entries.set(service, entries);
    const known = entries.get(instance.name);
    if (known !== undefined && isSame(known.instance, instance)) return;
    if (known !== undefined) quiet(known);
    const entry: Entry = { instance, repeats: [] };
    entries.set(instance.name, entry);
    await this.#announce(entry);
  }

  /** Resolves when the goodbye is sent. An unknown instance is no error. */
  async remove(service: string, name: string): Promise<void> {
    const entries = this.#entries.get(service);
    const entry = entries?.get(name);
    if (entries === undefined || entry === undefined) return;
    entries.delete(name);
    if (entries.size === 0) this.#entries.delete(service);
    quiet(entry);
    await this.#send(encodeAnnouncement(entry.instance, true));
  }

  async removeAll(): Promise<void> {
    const all = [...this.#entries].flatMap(([service, entries]) =>
      [...entries.keys()].map((name) => this.remove(service, name)),
    );
    await Promise.all(all);
  }

  /** Tells everything again, for who could not hear it before. */
  async announceAll(): Promise<void> {
    const entries = [...this.#entries.values()].flatMap((entries) => [...entries.values()]);
    await Promise.all(entries.map((entry) => this.#announce(entry)));
  }

  async #announce(entry: Entry): Promise<void> {
    quiet(entry);
    const packet = encodeAnnouncement(entry.instance);
    entry.repeats = repeatsMs.map((wait) => setTimeout(() => void this.#send(packet), wait).unref());
    const { sent, failures } = await this.#send(packet);
    if (sent > 0) return;
    // It is answered for all the same, and announced as soon as there is an interface.
    const reason = failures.length === 0 ? "there is no network interface" : failures.join(", ");
    this.#logger.warn(`mdns: ${entry.instance.name} was announced to nobody: ${reason}`);
  }
}

function quiet(entry: Entry): void {
  for (const timer of entry.repeats) clearTimeout(timer);
  entry.repeats = [];
}

function isSame(a: Instance, b: Instance): boolean {
  const sameText =
    a.text.length === b.text.length &&
    a.text.every((string, index) => string.equals(b.text[index] ?? string));
  return a.host === b.host && a.port === b.port && a.hostname === b.hostname && sameText;
}
