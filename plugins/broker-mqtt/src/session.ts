import { generate, type IConnackPacket, type IPublishPacket, type Packet, parser } from "mqtt-packet";
import { type MicroError, serviceUnavailable, timeout, unauthorized } from "ts-micro";
import { brokerErrorId } from "ts-micro/broker";
import { dial } from "./dial.ts";
import { defaults, type MqttBrokerOptions } from "./options.ts";
import type { ServerAddress } from "./server-address.ts";

/** One connection to one server, from its first to its last byte. */
export interface Session {
  /** `host:port` */
  readonly server: string;
  /** The server remembers this client: its subscription, and what it has not acknowledged. */
  readonly present: boolean;
  readonly maxPacketBytes: number;
  /** How many messages above QoS 0 the server takes before it has acknowledged one. */
  readonly receiveMaximum: number;
  /** Resolves with the reason when the connection is gone. */
  readonly ended: Promise<string>;
  /** Sends a packet that nobody answers. Does nothing when the connection is gone. */
  send(packet: Packet): void;
  /** Resolves when the packet has left this process. */
  sent(packet: Packet): Promise<void>;
  /**
   * Sends a packet with an id of its own, and resolves with what ends the exchange.
   * @throws MicroError 408 no answer in time, 503 `connection-lost`; the server may have acted
   */
  request(packet: Packet): Promise<Packet>;
  /** Resolves when the server has handled what was sent before. Rejects as `request` does. */
  ping(): Promise<void>;
  /** Ends the connection for that reason, at once. */
  drop(reason: string): void;
  /** @param forget the server forgets this client, with MQTT 5 */
  end(forget: boolean): Promise<void>;
}

export interface SessionSetup {
  clientId: string;
  clean: boolean;
  /** With MQTT 5. */
  sessionExpirySeconds: number;
  receiveMaximum?: number;
  onPublish(packet: IPublishPacket, session: Session): void;
  /** The last step of QoS 2: the server forgets that id. */
  onRelease(id: number, session: Session): void;
}

/** @throws MicroError 401 when the server refuses the credentials, and what `dial` throws */
export async function openSession(
  server: ServerAddress,
  options: MqttBrokerOptions,
  setup: SessionSetup,
): Promise<Session> {
  const { timeoutMs = defaults.timeoutMs, keepAliveMs = defaults.keepAliveMs } = options;
  const protocolVersion = options.protocolVersion ?? defaults.protocolVersion;
  const socket = await dial(server, options);
  const reader = parser({ protocolVersion });
  const exchanges = new Map<number, Exchange>();
  const pings: Exchange[] = [];
  let reason: string | undefined;
  let lastId = 0;
  let heard = true;
  let missed = 0;
  let accept: (packet: IConnackPacket) => void = () => {};

  const ended = new Promise<string>((resolve) => {
    socket.on("error", (error) => (reason ??= error.message));
    socket.on("close", () => {
      reason ??= "the server closed the connection";
      clearInterval(beat);
      for (const exchange of [...exchanges.values(), ...pings]) exchange.reject(lost());
      exchanges.clear();
      resolve(reason);
    });
  });
  socket.on("data", (bytes: Buffer) => {
    heard = true;
    try {
      reader.parse(bytes);
    } catch (thrown) {
      drop(`it speaks no MQTT: ${String(thrown)}`);
    }
  });
  reader.on("packet", take);
  reader.on("error", (error: unknown) => drop(`it speaks no MQTT: ${String(error)}`));
  // The first byte of silence is noticed by the third beat at the latest.
  const beat = setInterval(() => {
    missed = heard ? 0 : missed + 1;
    heard = false;
    if (missed >= 2) drop("it is silent: no answer to pings");
    else send({ cmd: "pingreq" });
  }, keepAliveMs);

  const session: Session = {
    server: server.hostPort,
    present: false,
    maxPacketBytes: largestPacket,
    // MQTT 3.1.1 servers don't tell; Mosquitto takes 20.
    receiveMaximum: 20,
    ended,
    send,
    sent: (packet) =>
      new Promise((resolve, reject) => {
        socket.write(generate(packet, { protocolVersion }), (error) => {
          if (error === undefined || error === null) resolve();
          else reject(lost());
        });
      }),
    request: (packet) => {
      const id = nextId();
      return exchange((made) => {
        exchanges.set(id, made);
        send({ ...packet, messageId: id });
      });
    },
    ping: async () => {
      await exchange((made) => {
        pings.push(made);
        send({ cmd: "pingreq" });
      });
    },
    drop,
    async end(forget) {
      reason ??= "closed";
      const expiry = forget && protocolVersion === 5 && { properties: { sessionExpiryInterval: 0 } };
      if (!socket.destroyed) socket.end(generate({ cmd: "disconnect", ...expiry }, { protocolVersion }));
      const timer = setTimeout(() => socket.destroy(), timeoutMs);
      await ended;
      clearTimeout(timer);
    },
  };
  try {
    await login();
    return session;
  } catch (thrown) {
    socket.destroy();
    throw thrown;
  }

  async function login(): Promise<void> {
    const user = server.user ?? options.user;
    const password = server.user === undefined ? options.password : server.password;
    const answer = new Promise<IConnackPacket>((resolve) => {
      accept = (packet) => {
        // At once: what the server has kept for us may follow in the same breath.
        const { maximumPacketSize = largestPacket, receiveMaximum = largestId } = packet.properties ?? {};
        Object.assign(session, {
          present: packet.sessionPresent,
          maxPacketBytes: maximumPacketSize,
          ...(protocolVersion === 5 && { receiveMaximum }),
        });
        resolve(packet);
      };
    });
    const timer = setTimeout(() => drop(`it doesn't answer within ${timeoutMs} ms`), timeoutMs);
    send({
      cmd: "connect",
      protocolId: "MQTT",
      protocolVersion,
      clientId: setup.clientId,
      clean: setup.clean,
      // Ours is to notice silence; the server does after 4.5 beats.
      keepalive: Math.ceil((3 * keepAliveMs) / 1_000),
      ...(user !== undefined && { username: user }),
      ...(password !== undefined && { password: Buffer.from(password) }),
      ...(protocolVersion === 5 && {
        properties: {
          sessionExpiryInterval: setup.sessionExpirySeconds,
          ...(setup.receiveMaximum !== undefined && { receiveMaximum: setup.receiveMaximum }),
        },
      }),
    });
    const first = await Promise.race([answer, ended]);
    clearTimeout(timer);
    if (typeof first === "string") throw new Error(first);
    const code = first.reasonCode ?? first.returnCode ?? 0;
    if (code !== 0) throw refusal(code, first.properties?.reasonString);
  }

  function take(packet: Packet): void {
    if (packet.cmd === "connack") accept(packet);
    else if (packet.cmd === "publish") setup.onPublish(packet, session);
    else if (packet.cmd === "pubrel") setup.onRelease(packet.messageId ?? 0, session);
    else if (packet.cmd === "pingresp") pings.shift()?.resolve(packet);
    else if (packet.cmd === "disconnect") drop(`it says goodbye, ${describe(packet.reasonCode ?? 0)}`);
    // The second of QoS 2's four packets, when it is no refusal.
    else if (packet.cmd === "pubrec" && (packet.reasonCode ?? 0) < 0x80)
      send({ cmd: "pubrel", messageId: packet.messageId ?? 0 });
    else {
      exchanges.get(packet.messageId ?? 0)?.resolve(packet);
      exchanges.delete(packet.messageId ?? 0);
    }
  }

  function exchange(start: (made: Exchange) => void): Promise<Packet> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(tooLate(server.hostPort, timeoutMs)), timeoutMs);
      const settle = (end: () => void): void => {
        clearTimeout(timer);
        end();
      };
      if (reason !== undefined) settle(() => reject(lost()));
      else
        start({
          resolve: (packet) => settle(() => resolve(packet)),
          reject: (error) => settle(() => reject(error)),
        });
    });
  }

  /** The id of an exchange that was given up stays taken until the server has ended it. */
  function nextId(): number {
    do lastId = (lastId % largestId) + 1;
    while (exchanges.has(lastId));
    return lastId;
  }

  function send(packet: Packet): void {
    if (!socket.destroyed && !socket.writableEnded) socket.write(generate(packet, { protocolVersion }));
  }

  function drop(why: string): void {
    reason ??= why;
    socket.destroy();
  }

  function lost(): MicroError {
    const detail = `the connection to mqtt server ${server.hostPort} was lost: ${reason ?? "it was closed"}; the message may have arrived or not`;
    return serviceUnavailable(brokerErrorId, detail, { reason: "connection-lost" });
  }
}

interface Exchange {
  resolve(packet: Packet): void;
  reject(error: MicroError): void;
}

const largestId = 0xffff;
/** MQTT's own limit. */
const largestPacket = 268_435_460;

function tooLate(server: string, timeoutMs: number): MicroError {
  const detail = `mqtt server ${server} didn't answer within ${timeoutMs} ms (timeoutMs); the message may have arrived or not`;
  return timeout(brokerErrorId, detail, { reason: "timeout" });
}

/** Bad credentials and "not authorised", in 3.1.1 and in 5. */
function refusal(code: number, why?: string): Error {
  const detail = `it refuses the connection: ${why ?? describe(code)}`;
  return [4, 5, 0x86, 0x87].includes(code) ? unauthorized(brokerErrorId, detail) : new Error(detail);
}

/** What MQTT's reason codes of refusals mean, of those that servers are seen to send. */
export function describe(code: number): string {
  const text = new Map([
    [4, "bad user name or password"],
    [5, "not authorised"],
    [0x84, "it doesn't speak this version of MQTT"],
    [0x86, "bad user name or password"],
    [0x87, "not authorised"],
    [0x8b, "it is shutting down"],
    [0x8e, "another client took over this client id"],
    [0x95, "the packet is too large"],
    [0x97, "quota exceeded"],
  ]).get(code);
  return text ?? `reason code 0x${code.toString(16)}`;
}
