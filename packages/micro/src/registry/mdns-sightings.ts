import { createHash } from "node:crypto";
import { before } from "./mdns-names.ts";
import { recordOf, type Sighting } from "./mdns-wire.ts";
import type { Result } from "./registry.ts";

/** Instances remembered. Beyond that the one not heard of for longest is forgotten, and would be new again. */
const maxInstances = 4096;

interface Known {
  /** Of what it said last. */
  readonly digest: string;
  readonly present: boolean;
  /** It was a change that watchers were told, not only the answer to somebody's question. */
  readonly told: boolean;
}

/**
 * Makes changes of announcements. Each node announces itself three times, on every interface, and IPv4 and IPv6
 * each carry it: all but the first say nothing new.
 */
export class Sightings {
  /** By the instance's name; the one last heard of at the end. */
  readonly #known = new Map<string, Known>();
  readonly #domain: string;

  constructor(domain: string) {
    this.#domain = domain;
  }

  /** What changed by it; `undefined` when nothing did, or when it can't be read. */
  see(sighting: Sighting): Result | undefined {
    const { name } = sighting;
    const present = !sighting.goodbye;
    const known = this.#known.get(name);
    const now = { digest: digest(sighting), present, told: true };
    if (known?.told && known.present === present && (!present || known.digest === now.digest)) {
      this.#remember(name, known);
      return undefined;
    }
    const service = recordOf(sighting, this.#domain);
    if (service === undefined) return undefined;
    this.#remember(name, now);
    if (!present) return { action: "delete", service };
    return { action: known?.told && known.present ? "update" : "create", service };
  }

  /** The instances of `serviceName` that were there when they were last heard of. */
  present(serviceName: string): string[] {
    return [...this.#known]
      .filter(([name, { present }]) => present && before(name, serviceName) !== undefined)
      .map(([name]) => name);
  }

  /**
   * Everybody of `serviceName` was asked, and these answered. Who did not is forgotten: a process that was killed
   * says no goodbye, and when it comes back as it was, that is news.
   */
  answered(serviceName: string, sightings: ReadonlyMap<string, Sighting>): void {
    for (const name of this.present(serviceName)) if (!sightings.has(name)) this.#known.delete(name);
    for (const [name, sighting] of sightings) {
      if (this.#known.get(name)?.present) continue;
      this.#remember(name, { digest: digest(sighting), present: true, told: false });
    }
  }

  clear(): void {
    this.#known.clear();
  }

  #remember(name: string, known: Known): void {
    this.#known.delete(name);
    this.#known.set(name, known);
    if (this.#known.size <= maxInstances) return;
    const [oldest] = this.#known.keys();
    if (oldest !== undefined) this.#known.delete(oldest);
  }
}

function digest({ host, port, text }: Sighting): string {
  const hash = createHash("sha256").update(`${host} ${port} `);
  for (const string of text) hash.update(string);
  return hash.digest("base64");
}
