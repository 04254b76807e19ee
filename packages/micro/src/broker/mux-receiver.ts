import type { Duplex } from "node:stream";
import { alpn, preface, startsWithPreface } from "../mux/link.ts";
import type { Protocol } from "../transport/transport.ts";
import type { Delivery } from "./delivery.ts";
import { MuxSubscriber } from "./mux-subscriber.ts";

export interface MuxReceiverSetup {
  maxMessageBytes: number;
  /** How long a message is held while its subscription is busy, in milliseconds. */
  holdMs: number;
  find(id: string): { topic: string; delivery: Delivery } | undefined;
}

export interface MuxReceiver {
  readonly protocol: Protocol;
  /** Says goodbye to all publishers. Resolves when they are gone. */
  close(): Promise<void>;
}

/** How long a publisher may take to answer a goodbye, in milliseconds. Its messages have all been answered then. */
const goodbyeMs = 1_000;

/** Takes messages for the subscriptions of one broker from publishers that speak mux (docs/protocol-mux.md, Events). */
export function newMuxReceiver(setup: MuxReceiverSetup): MuxReceiver {
  const publishers = new Set<MuxSubscriber>();
  let closing = false;
  return {
    protocol: {
      name: preface,
      alpn,
      matches: startsWithPreface,
      serve(connection: Duplex) {
        const publisher: MuxSubscriber = new MuxSubscriber(connection, setup, () =>
          publishers.delete(publisher),
        );
        publishers.add(publisher);
        if (closing) publisher.destroy();
      },
    },
    async close() {
      closing = true;
      const late = setTimeout(() => {
        for (const publisher of publishers) publisher.destroy();
      }, goodbyeMs);
      await Promise.all([...publishers].map((publisher) => publisher.leave()));
      clearTimeout(late);
    },
  };
}
