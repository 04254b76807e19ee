import { MicroError, serviceUnavailable } from "ts-micro";

/** Time until the first attempt to reach an address again, in milliseconds. */
const firstDelayMs = 100;
/** An address that nobody has asked for this long is forgotten, in milliseconds. */
const forgetAfterMs = 60_000;

interface Ailing {
  error: MicroError;
  delayMs: number;
  askedAt: number;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Addresses that can't be reached. Instead of each call, one probe tries them: after 100 ms, then after twice
 * as long each time, up to the interval.
 */
export class HealthChecks {
  readonly #intervalMs: number;
  readonly #probe: (address: string) => Promise<void>;
  readonly #ailing = new Map<string, Ailing>();

  /** @param probe connects, and rejects when it can't */
  constructor(intervalMs: number, probe: (address: string) => Promise<void>) {
    this.#intervalMs = intervalMs;
    this.#probe = probe;
  }

  /** Why the address can't be reached, as far as is known. */
  problemOf(address: string): MicroError | undefined {
    const ailing = this.#ailing.get(address);
    if (ailing === undefined) return undefined;
    ailing.askedAt = performance.now();
    const detail = `${ailing.error.detail}; it is being tried again, and calls fail until it answers`;
    return serviceUnavailable("brpc", detail, { reason: "connection-failed", cause: ailing.error });
  }

  /** A connection attempt has failed: probing begins, unless it has begun. */
  failed(address: string, thrown: unknown): void {
    if (this.#ailing.has(address)) return;
    const error = MicroError.from(thrown);
    const ailing = { error, delayMs: firstDelayMs, askedAt: performance.now(), timer: undefined };
    this.#ailing.set(address, ailing);
    this.#probeLater(address, ailing);
  }

  /** The address is no longer needed, or was reached. */
  forget(address: string): void {
    clearTimeout(this.#ailing.get(address)?.timer);
    this.#ailing.delete(address);
  }

  close(): void {
    for (const address of [...this.#ailing.keys()]) this.forget(address);
  }

  #probeLater(address: string, ailing: Ailing): void {
    // Jitter, so that not all clients of a server come back at the same moment.
    const waitMs = Math.min(ailing.delayMs, this.#intervalMs) * (0.75 + Math.random() / 4);
    ailing.timer = setTimeout(() => void this.#try(address, ailing), waitMs).unref();
    ailing.delayMs = Math.min(ailing.delayMs * 2, this.#intervalMs);
  }

  async #try(address: string, ailing: Ailing): Promise<void> {
    const idle = performance.now() - ailing.askedAt > forgetAfterMs;
    try {
      if (!idle) await this.#probe(address);
    } catch (thrown) {
      ailing.error = MicroError.from(thrown);
      if (this.#ailing.get(address) === ailing) this.#probeLater(address, ailing);
      return;
    }
    if (this.#ailing.get(address) === ailing) this.#ailing.delete(address);
  }
}
