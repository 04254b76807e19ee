import { newClient } from "@ts-micro/client-grpc";
import { type Logger, MicroError, type TlsOptions } from "ts-micro";
import type { CallOptions, Client } from "ts-micro/client";
import { type Lasting, LastingStream } from "./lasting-stream.ts";

export interface RemoteOptions {
  /** Name of the service: `go.micro.broker`. */
  readonly service: string;
  /** Of equal services, in the order in which they are tried. At least one. */
  readonly addresses: readonly string[];
  readonly secure: boolean | undefined;
  readonly tls: TlsOptions | undefined;
  /** Limit of one call, in milliseconds. */
  readonly timeoutMs: number;
  /** How often the service is asked how it is while streams are open, in milliseconds. */
  readonly checkIntervalMs: number;
  readonly logger: Logger;
}

/**
 * A broker or registry that is offered over RPC, at one of several addresses: the one in use stays it until it can't
 * be reached or doesn't answer. Speaks gRPC, as go-micro v2 does by default.
 */
export class Remote {
  readonly client: Client;
  readonly options: RemoteOptions;
  #inUse = 0;
  readonly #streams = new Set<LastingStream<unknown>>();
  #checking: NodeJS.Timeout | undefined;

  /** Opens nothing. */
  constructor(options: RemoteOptions) {
    const { secure, tls, timeoutMs, logger } = options;
    this.options = options;
    this.client = newClient({
      logger,
      requestTimeoutMs: timeoutMs,
      dialTimeoutMs: timeoutMs,
      ...(secure !== undefined && { secure }),
      ...(tls !== undefined && { tls }),
    });
  }

  /** `host:port` of the service in use. */
  get address(): string {
    return this.options.addresses[this.#inUse] as string;
  }

  /**
   * Runs a call at the address in use, and where that can't be reached at each further one.
   * @throws MicroError of the last one tried
   */
  async call<T>(run: (options: CallOptions) => Promise<T>): Promise<T> {
    for (let tried = 1; ; tried++) {
      const { address } = this;
      try {
        return await run({ addresses: [address] });
      } catch (error) {
        if (!isUnreached(error)) throw error;
        this.#leave(address);
        if (tried >= this.options.addresses.length) throw error;
      }
    }
  }

  /** @throws MicroError when no address answers. What they answer is all the same. */
  async check(): Promise<void> {
    await this.call(async (options) => {
      try {
        await this.#askHealth(options);
      } catch (error) {
        if (!MicroError.is(error) || error.reason !== undefined) throw error;
      }
    });
  }

  /**
   * Follows a stream for as long as it isn't closed, whatever happens to the service. Resolves once it is open.
   * @throws MicroError when it can't be opened the first time
   */
  async follow<Item>(stream: Lasting<Item>): Promise<LastingStream<Item>> {
    const followed = new LastingStream(this, stream);
    await followed.start();
    this.#streams.add(followed as LastingStream<unknown>);
    this.#checking ??= setInterval(() => void this.#checkStreams(), this.options.checkIntervalMs).unref();
    return followed;
  }

  /** Called by streams that are closed. */
  forget(stream: LastingStream<unknown>): void {
    this.#streams.delete(stream);
    if (this.#streams.size > 0) return;
    clearInterval(this.#checking);
    this.#checking = undefined;
  }

  /** Ends streams and closes the connections. Idempotent. */
  async close(): Promise<void> {
    await Promise.all([...this.#streams].map((stream) => stream.close()));
    await this.client.close();
  }

  /** On a connection that fell silent, streams just tell nothing: only somebody who asks notices. */
  async #checkStreams(): Promise<void> {
    const { address } = this;
    try {
      await this.#askHealth({ addresses: [address] });
    } catch (error) {
      // An error of the service is an answer, too.
      if (MicroError.is(error) && error.reason === undefined) return;
      if (this.#streams.size === 0) return;
      this.options.logger.warn(`${address} doesn't answer, opening its streams anew: ${String(error)}`);
      this.#leave(address);
      for (const stream of this.#streams) stream.reopen();
    }
  }

  #askHealth(options: CallOptions): Promise<unknown> {
    return this.client.call({
      ...options,
      service: this.options.service,
      endpoint: "Debug.Health",
      contentType: "application/grpc+json",
      body: {},
      retries: 0,
    });
  }

  #leave(address: string): void {
    if (address === this.address) this.#inUse = (this.#inUse + 1) % this.options.addresses.length;
  }
}

/** The request can't have reached a handler. */
function isUnreached(error: unknown): boolean {
  return MicroError.is(error) && (error.reason === "connection-failed" || error.reason === "draining");
}
