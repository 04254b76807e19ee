import type { Socket } from "node:net";
import { type Channel, type ChannelModel, type ConfirmChannel, connect } from "amqplib";
import { clientTls, readTls } from "ts-micro/transport";
import { defaults, type RabbitmqBrokerOptions } from "./options.ts";
import type { ServerAddress } from "./server-address.ts";

/** One connection to one node, from its first to its last byte. */
export interface Session {
  /** `host:port` */
  readonly server: string;
  /** Why the node takes no messages at present, when it says so: short of memory or disk. */
  readonly blocked: string | undefined;
  /** Resolves with the reason when the connection is gone. */
  readonly ended: Promise<string>;
  /** @throws what the library throws */
  channel(): Promise<Opened<Channel>>;
  /** A channel on which the server confirms each message. */
  confirmChannel(): Promise<Opened<ConfirmChannel>>;
  /** Says goodbye, for at most `timeoutMs`. */
  end(): Promise<void>;
}

/** AMQP closes the whole channel when something on it is refused. */
export interface Opened<Kind extends Channel> {
  readonly channel: Kind;
  /** What the server refused, with its code. */
  readonly failure: (Error & { code?: number }) | undefined;
  /** Resolves with the reason when the channel is gone. */
  readonly ended: Promise<string>;
}

/**
 * Connects to one node, once. The library could reconnect by itself, but keeps from us which messages that cost.
 *
 * @throws what the library throws
 */
export async function openSession(server: ServerAddress, options: RabbitmqBrokerOptions): Promise<Session> {
  const { timeoutMs = defaults.timeoutMs, heartbeatMs = defaults.heartbeatMs } = options;
  const vhost = server.vhost ?? options.vhost ?? defaults.vhost;
  /** The library hands them on to `node:tls`. */
  const tls: object = server.secure ? clientTls(await readTls(options), server.host) : {};
  const model = await connect(
    {
      protocol: server.secure ? "amqps" : "amqp",
      hostname: server.host,
      port: server.port,
      username: server.user ?? options.user ?? defaults.user,
      password: server.user === undefined ? (options.password ?? defaults.password) : (server.password ?? ""),
      vhost: encodeURIComponent(vhost),
      heartbeat: Math.ceil(heartbeatMs / 1_000),
    },
    {
      timeout: timeoutMs,
      noDelay: true,
      clientProperties: { connection_name: options.connectionName ?? defaults.connectionName },
      ...tls,
    },
  ).catch((thrown: unknown) => {
    // All that the library says of the node's sentence.
    if (!/Expected ConnectionOpenOk; got <ConnectionClose/.test(String(thrown))) throw thrown;
    throw new Error(`there is no virtual host "${vhost}", or this user may not use it`, { cause: thrown });
  });
  const socket = socketOf(model);
  // The library tells nobody when the node hangs up in the same breath.
  if (socket.writableEnded || socket.destroyed) throw new Error("the server closed the connection");
  let reason: string | undefined;
  let blocked: string | undefined;
  model.on("error", (error) => {
    reason ??= error.message === "Heartbeat timeout" ? "it is silent: no heartbeat" : error.message;
  });
  model.on("blocked", (why) => (blocked = why));
  model.on("unblocked", () => (blocked = undefined));
  const ended = new Promise<string>((resolve) => {
    model.on("close", (error) => {
      // The library waits until what is to be written is written, for ever when the node is silent.
      socket.destroy();
      resolve(reason ?? error?.message ?? "the server closed the connection");
    });
  });

  return {
    server: server.hostPort,
    get blocked() {
      return blocked;
    },
    ended,
    channel: async () => watch(await model.createChannel()),
    confirmChannel: async () => watch(await model.createConfirmChannel()),

    async end() {
      reason ??= "closed";
      const timer = setTimeout(() => socket.destroy(new Error("it doesn't say goodbye")), timeoutMs);
      // Rejects when the connection is gone already.
      model.close().catch(() => {});
      await ended;
      clearTimeout(timer);
    },
  };
}

function watch<Kind extends Channel>(channel: Kind): Opened<Kind> {
  let failure: Error | undefined;
  channel.on("error", (error) => (failure ??= error));
  const ended = new Promise<string>((resolve) => {
    channel.on("close", () => resolve(failure?.message ?? "the channel was closed"));
  });
  return {
    channel,
    get failure() {
      return failure;
    },
    ended,
  };
}

/** The library keeps it below what its types show. */
function socketOf(model: ChannelModel): Socket {
  return (model.connection as unknown as { stream: Socket }).stream;
}
