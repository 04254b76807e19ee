import { createHash } from "node:crypto";
import { recordOf, type Sighting } from "./mdns-wire.ts";
import type { Result } from "./registry.ts";

/** Instances remembered. Beyond that the one not heard of for longest is forgotten, and would be new again. */
const maxInstances = 4096;

const gone = "";

/**
 * Makes changes of announcements. Each node announces itself three times, on every interface, and IPv4 and IPv6
 * each carry it: all but the first say nothing new.
 */
export class Sightings {
  /** Instance → digest of what it announced last, or `gone`; the one last heard of at the end. */
  readonly #known = new Map<string, string>();
  readonly #domain: string;

  constructor(domain: string) {
    this.#domain = domain;
  }

  /** What changed by it; `undefined` when nothing did, or when it can't be read. */
  see(sighting: Sighting): Result | undefined {
    const { name } = sighting;
    const before = this.#known.get(name);
    const now = sighting.goodbye ? gone : digest(sighting);
    if (before === now) {
      this.#remember(name, now);
      return undefined;
    }
    const service = recordOf(sighting, this.#domain);
    if (service === undefined) return undefined;
    this.#remember(name, now);
    if (now === gone) return { action: "delete", service };
    return { action: before === undefined || before === gone ? "create" : "update", service };
  }

  clear(): void {
    this.#known.clear();
  }

  #remember(name: string, contents: string): void {
    this.#known.delete(name);
    this.#known.set(name, contents);
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
