import type { Broker } from "../broker/broker.ts";
import { newHttpBroker } from "../broker/http.ts";
import type { PartOptions, Parts } from "../parts.ts";
import { newSelector } from "../selector/registry.ts";
import type { Selector } from "../selector/selector.ts";
import { newHttpTransport } from "../transport/http.ts";
import type { Transport } from "../transport/transport.ts";

/** The parts that a client needs, and the end of those that were made for it alone. */
export interface ClientParts extends Pick<Parts, "broker" | "selector" | "transport"> {
  close(): Promise<void>;
}

/** The service's parts, asked for each time. One that is absent is made when it is first needed. */
export function clientParts(options: PartOptions): ClientParts {
  const { logger, tls, secure, parts } = options;
  const shared = {
    ...(logger !== undefined && { logger }),
    ...(parts !== undefined && { parts }),
  };
  const secured = { ...(tls !== undefined && { tls }), ...(secure !== undefined && { secure }) };
  let own: { broker?: Broker; selector?: Selector; transport?: Transport } = {};
  const made = {
    broker(): Broker {
      own.broker ??= newHttpBroker(shared);
      return own.broker;
    },
    selector(): Selector {
      own.selector ??= newSelector(shared);
      return own.selector;
    },
    transport(): Transport {
      own.transport ??= newHttpTransport({ ...shared, ...secured });
      return own.transport;
    },
  };
  return {
    get broker() {
      return parts?.broker ?? made.broker();
    },
    get selector() {
      return parts?.selector ?? made.selector();
    },
    get transport() {
      return parts?.transport ?? made.transport();
    },
    async close() {
      const { broker, selector, transport } = own;
      own = {};
      await broker?.disconnect();
      await selector?.close();
      await transport?.close();
    },
  };
}
