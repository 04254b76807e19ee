import { describe } from "node:test";
import type { Transport, TransportOptions } from "ts-micro/transport";
import { newTransportBench } from "./transport/bench.ts";
import { closingTests } from "./transport/closing.ts";
import { diallingTests } from "./transport/dialling.ts";
import { flowTests } from "./transport/flow.ts";
import { headerTests } from "./transport/headers.ts";
import { listeningTests } from "./transport/listening.ts";
import { messageTests } from "./transport/messages.ts";

export interface TransportSubject {
  /** Builds a transport. All that are made for one suite can dial each other. */
  create: (options: TransportOptions) => Transport;
  /** Where to listen on any free place. @default "127.0.0.1:0" */
  address?: string;
  /** Starts the engine behind the transport, once for the suite. */
  start?: () => Promise<void>;
  stop?: () => Promise<void>;
  /** Title of a test → why it can't hold for this transport. It is shown as skipped, with the reason. */
  skip?: Readonly<Record<string, string>>;
  /** Limit of one test, in milliseconds. @default 30_000 */
  timeoutMs?: number;
}

/**
 * The suite of a transport: what `Transport`, `Socket` and `Listener` promise.
 *
 *     transportConformance("pigeon", { create: (options) => newTransport(options) });
 */
export function transportConformance(name: string, subject: TransportSubject): void {
  describe(`transport ${name}`, () => {
    const bench = newTransportBench(subject);
    messageTests(bench);
    headerTests(bench);
    closingTests(bench);
    flowTests(bench);
    diallingTests(bench);
    listeningTests(bench);
  });
}
