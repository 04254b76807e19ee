import type { Client } from "../client/client.ts";
import { headers } from "../headers.ts";
import { getMetadata, type Metadata, newMetadata } from "../metadata.ts";

/**
 * The client that a service shows: one object for its whole life, which asks for the present client each
 * time, so that it may be kept although a flag swaps the client later.
 *
 * Tells whom it calls who is calling: `Micro-From-Service` on calls, streams and messages that don't carry
 * one yet (`wrapper.go`, fromServiceWrapper).
 */
export function fromService(present: () => Client, serviceName: () => string): Client {
  /** What a call without metadata of its own gets, whoever makes it. Frozen, so that clients look at it only once. */
  let alone = Object.freeze(newMetadata());
  const senderAlone = (): Metadata => {
    const name = serviceName();
    if (alone[headers.fromService] !== name) {
      alone = Object.freeze(newMetadata({ [headers.fromService]: name }));
    }
    return alone;
  };
  const withSender = <T extends { metadata?: Metadata }>(options: T): T => {
    // Without a request, which the client complains of.
    const metadata = options?.metadata;
    if (metadata === undefined) return { ...options, metadata: senderAlone() };
    if (getMetadata(metadata, headers.fromService) !== undefined) return options;
    const sender = newMetadata(metadata);
    sender[headers.fromService] = serviceName();
    return { ...options, metadata: sender };
  };
  return {
    get name() {
      return present().name;
    },
    call(request) {
      // No async function: it would be one more promise for each call.
      try {
        return present().call(withSender(request));
      } catch (thrown) {
        return Promise.reject(thrown);
      }
    },
    stream: async (request) => present().stream(withSender(request)),
    publish(topic, body, options = {}) {
      try {
        return present().publish(topic, body, withSender(options));
      } catch (thrown) {
        return Promise.reject(thrown);
      }
    },
    close: async () => present().close(),
    [Symbol.asyncDispose]: async () => present().close(),
  };
}
