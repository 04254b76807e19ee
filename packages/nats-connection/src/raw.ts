import { NatsConnectionImpl } from "@nats-io/nats-core/internal";
import type { NatsConnection } from "@nats-io/transport-node";

/**
 * Puts whole lines of the protocol among what the library sends, in its order. The library makes three buffers of each message that
 * it publishes; those who publish many in a turn write all of them as one text.
 *
 * This is what its own packages have instead of an interface, so its version is fixed to the patch, and a test publishes.
 */
export function writeRaw(nats: NatsConnection, lines: Uint8Array): void {
  if (!(nats instanceof NatsConnectionImpl)) {
    throw new TypeError(
      "the connection to NATS is of another copy of @nats-io/nats-core; see that one is installed (npm ls @nats-io/nats-core)",
    );
  }
  nats.protocol.sendCommand(lines);
}
