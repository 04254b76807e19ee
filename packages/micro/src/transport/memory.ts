/**
 * A transport inside one process: no sockets, no bytes, the same behaviour. For tests, and for services that
 * share a process.
 *
 * Instances with the same first of `addresses` ("default" without) share a hub and can dial each other.
 */
import { joinAddress, parseListenAddress } from "../address.ts";
import { MicroError, notImplemented, serviceUnavailable } from "../errors.ts";
import { MemorySocket } from "./memory-socket.ts";
import type { Accept, Listener, Socket, SocketEvents, Transport, TransportOptions } from "./transport.ts";

interface Listening {
  accept: Accept;
  maxMessageBytes: number;
}

/** Hub → address → who listens there. */
const hubs = new Map<string, Map<string, Listening>>();

/** Ports that are chosen for `:0`, as in go-micro. */
const firstPort = 10_000;
const lastPort = 29_999;

export function newMemoryTransport(options: TransportOptions = {}): Transport {
  const { addresses = [], maxMessageBytes = 4 * 1024 * 1024 } = options;
  const hub = addresses[0] ?? "default";

  return {
    name: "memory",
    maxMessageBytes,

    async dial(address, events, { signal } = {}) {
      if (signal?.aborted === true) {
        const detail = `dialling ${address} was cancelled`;
        throw new MicroError({ id, code: 499, detail, reason: "cancelled", cause: signal.reason });
      }
      const listening = hubs.get(hub)?.get(canonicalAddress(address));
      if (listening === undefined) {
        const detail = `could not dial ${address}: nobody listens there in hub "${hub}" of this process`;
        throw serviceUnavailable(id, detail, { reason: "connection-failed" });
      }
      const local = joinAddress("127.0.0.1", nextClientPort());
      const [client, server] = MemorySocket.pair(
        { address: local, maxMessageBytes },
        { address, maxMessageBytes: listening.maxMessageBytes },
      );
      server.start(accepted(listening.accept, server, address));
      client.start(events);
      return client;
    },

    async listen(address, accept, { protocols = [] } = {}) {
      const [first] = protocols;
      if (first !== undefined) {
        const detail = `the memory transport carries no bytes and can't serve protocol ${first.name} on ${address}`;
        throw notImplemented(id, detail, { reason: "not-supported" });
      }
      const taken = hubs.get(hub) ?? new Map<string, Listening>();
      const chosen = freeAddress(address, taken);
      taken.set(chosen, { accept, maxMessageBytes });
      hubs.set(hub, taken);
      return newListener(chosen, () => {
        taken.delete(chosen);
        if (taken.size === 0) hubs.delete(hub);
      });
    },

    // Sockets and listeners belong to those who opened them.
    async close() {},
    async [Symbol.asyncDispose]() {},
  };
}

const id = "go.micro.transport";

function newListener(address: string, release: () => void): Listener {
  let open = true;
  const close = async (): Promise<void> => {
    if (open) release();
    open = false;
  };
  return { address, close, [Symbol.asyncDispose]: close };
}

function accepted(accept: Accept, server: Socket, address: string): SocketEvents {
  try {
    return accept(server);
  } catch (error) {
    const detail = `could not dial ${address}: ${String(error)}`;
    throw serviceUnavailable(id, detail, { reason: "connection-failed", cause: error });
  }
}

/** @throws MicroError 500 when the address, or all of a range, is taken. */
function freeAddress(wanted: string, taken: ReadonlyMap<string, Listening>): string {
  const { host, minPort, maxPort } = parsed(wanted);
  const anyPort = minPort === 0;
  const [first, last] = anyPort ? [firstPort, lastPort] : [minPort, maxPort];
  const count = last - first + 1;
  // As a system does, so that an address that was just given up isn't met again at once.
  const skip = anyPort ? Math.floor(Math.random() * count) : 0;
  for (let n = 0; n < count; n++) {
    const address = joinAddress(reachable(host), first + ((skip + n) % count));
    if (!taken.has(address)) return address;
  }
  throw cannotListen(wanted, `already listening on ${wanted}; choose another port, or 0 for any`);
}

/** All ways to write an address give the one that is listened on. */
function canonicalAddress(address: string): string {
  try {
    const { host, minPort } = parseListenAddress(address);
    return joinAddress(reachable(host), minPort);
  } catch {
    return address;
  }
}

/** There is one machine only, so a wildcard means it. */
function reachable(host: string): string {
  return host === "" || host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
}

function parsed(address: string) {
  try {
    return parseListenAddress(address);
  } catch (error) {
    throw cannotListen(address, MicroError.from(error).detail, error);
  }
}

function cannotListen(address: string, why: string, cause?: unknown): MicroError {
  return new MicroError({ id, code: 500, detail: `can't listen on ${address}: ${why}`, cause });
}

let clientPort = 30_000;

/** Only tells the connections of a process apart in logs. */
function nextClientPort(): number {
  clientPort = clientPort === 65_535 ? 30_000 : clientPort + 1;
  return clientPort;
}
