import type { Broker } from "../broker/broker.ts";
import { newHttpBroker } from "../broker/http.ts";
import type { PartOptions, Parts } from "../parts.ts";
import { newSelector } from "../selector/registry.ts";
import type { Selector } from "../selector/selector.ts";
import { newHttpTransport } from "../transport/http.ts";
import type { Transport } from "../transport/transport.ts";

/**
 * The parts that a client needs: the service's, asked for each time. One that is absent is made when it is first needed.
 *
 * A class, because calls ask: getters in an object literal make V8 look its members up in a table.
 */
export class ClientParts implements Pick<Parts, "broker" | "selector" | "transport"> {
  readonly #options: PartOptions;
  #broker: Broker | undefined;
  #selector: Selector | undefined;
  #transport: Transport | undefined;

  constructor(options: PartOptions) {
    this.#options = options;
  }

  get broker(): Broker {
    const given = this.#options.parts?.broker;
    if (given !== undefined) return given;
    this.#broker ??= newHttpBroker(this.#shared());
    return this.#broker;
  }

  get selector(): Selector {
    const given = this.#options.parts?.selector;
    if (given !== undefined) return given;
    this.#selector ??= newSelector(this.#shared());
    return this.#selector;
  }

  get transport(): Transport {
    const given = this.#options.parts?.transport;
    if (given !== undefined) return given;
    const { tls, secure } = this.#options;
    this.#transport ??= newHttpTransport({
      ...this.#shared(),
      ...(tls !== undefined && { tls }),
      ...(secure !== undefined && { secure }),
    });
    return this.#transport;
  }

  /** Ends those that were made for the client alone. */
  async close(): Promise<void> {
    const [broker, selector, transport] = [this.#broker, this.#selector, this.#transport];
    this.#broker = this.#selector = this.#transport = undefined;
    await broker?.disconnect();
    await selector?.close();
    await transport?.close();
  }

  #shared(): PartOptions {
    const { logger, parts } = this.#options;
    return { ...(logger !== undefined && { logger }), ...(parts !== undefined && { parts }) };
  }
}
