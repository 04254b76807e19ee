import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import {
  type Authenticator,
  connect,
  credsAuthenticator,
  type NatsConnection,
  type NodeConnectionOptions,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from "@nats-io/transport-node";
import { clientTls, readTls, wantsTls } from "ts-micro/transport";
import { connectionDefaults, type NatsConnectionOptions } from "./options.ts";
import type { ServerAddress } from "./server-address.ts";

export interface Dialled {
  readonly nats: NatsConnection;
  /** Ends the connection at once, whatever waits to be written. */
  destroy(): void;
}

/**
 * Connects to one server, once. The library's own reconnection is off: it loses what was published meanwhile, and
 * it waits for a silent server's socket to be flushed before it gives the connection up.
 */
export async function dial(server: ServerAddress, options: NatsConnectionOptions): Promise<Dialled> {
  const wanted = await connectOptions(server, options);
  const opened = new Set<Socket>();
  const destroy = (): void => {
    for (const socket of opened) socket.destroy();
  };
  subscribe(socketChannel, noteSocket);
  dialling++;
  try {
    const nats = await sockets.run(opened, () => connect(wanted));
    return { nats, destroy };
  } catch (thrown) {
    destroy();
    throw thrown;
  } finally {
    unsubscribe(socketChannel, noteSocket);
    dialling--;
    // While it is enabled every promise of the process is hooked, which doubles what short calls cost.
    if (dialling === 0) sockets.disable();
  }

  function noteSocket(message: unknown): void {
    if (sockets.getStore() === opened) opened.add((message as { socket: Socket }).socket);
  }
}

/** Node tells here of each socket that dials: the library keeps it to itself, and forgets one whose server says nothing. */
const socketChannel = "net.client.socket";
const sockets = new AsyncLocalStorage<Set<Socket>>();
let dialling = 0;

async function connectOptions(
  server: ServerAddress,
  options: NatsConnectionOptions,
): Promise<NodeConnectionOptions> {
  const authenticator = await authenticatorOf(server, options);
  const tls = await tlsOf(server, options);
  return {
    servers: [server.hostPort],
    name: options.connectionName ?? connectionDefaults.connectionName,
    timeout: options.timeoutMs ?? connectionDefaults.timeoutMs,
    pingInterval: options.pingIntervalMs ?? connectionDefaults.pingIntervalMs,
    // A ping may wait here while this process is busy: one answer that is late is no silence.
    maxPingOut: 2,
    reconnect: false,
    ignoreClusterUpdates: true,
    noAsyncTraces: true,
    ...(authenticator !== undefined && { authenticator }),
    ...(tls !== undefined && { tls }),
  };
}

/** What the address says counts before the options. */
async function authenticatorOf(
  server: ServerAddress,
  options: NatsConnectionOptions,
): Promise<Authenticator | undefined> {
  if (server.token !== undefined) return tokenAuthenticator(server.token);
  if (server.user !== undefined) return usernamePasswordAuthenticator(server.user, server.password);
  if (options.credsFile !== undefined) return credsAuthenticator(await readFile(options.credsFile));
  if (options.nkeyFile !== undefined) {
    const seed = (await readFile(options.nkeyFile, "utf8")).trim();
    return nkeyAuthenticator(Buffer.from(seed));
  }
  if (options.token !== undefined) return tokenAuthenticator(options.token);
  if (options.user !== undefined) return usernamePasswordAuthenticator(options.user, options.password);
  return undefined;
}

/** The library hands them on to `node:tls`, whose names its own type doesn't have. */
async function tlsOf(server: ServerAddress, options: NatsConnectionOptions): Promise<object | undefined> {
  return server.secure || wantsTls(options) ? clientTls(await readTls(options), server.host) : undefined;
}
