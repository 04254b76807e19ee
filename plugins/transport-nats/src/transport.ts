import {
  connectionDefaults,
  createInbox,
  type Listening,
  type Msg,
  newConnection,
  type Owner,
  type Session,
} from "@ts-micro/nats-connection";
import { MicroError, newLogger, notImplemented, serviceUnavailable } from "ts-micro";
import type {
  Accept,
  DialOptions,
  Listener,
  ListenOptions,
  Socket,
  SocketEvents,
  Transport,
} from "ts-micro/transport";
import { defaults, type NatsTransportOptions, transportErrorId } from "./options.ts";
import { NatsSocket } from "./socket.ts";
import { diallingOf, isSubject, listeningSubject } from "./subject.ts";
import { goWire, ownWire, type Wire } from "./wire.ts";

/**
 * go-micro's nats transport (`transport/nats` of go-plugins @ v2.9.1, and of go-micro @ v6.10.0): an address is a subject, a
 * connection an inbox. Two of ours open their connections below that subject and tell each other of what go-micro's don't:
 * that one ends, and how much was taken.
 *
 * Opens nothing before it is used. Connections end with the one to NATS; listeners come back with it.
 * @throws MicroError 400 for an address of a server that is none
 */
export function newTransport(options: NatsTransportOptions = {}): Transport {
  const { maxMessageBytes = defaults.maxMessageBytes, idleMs = defaults.idleMs } = options;
  const { timeoutMs = connectionDefaults.timeoutMs, pingIntervalMs = connectionDefaults.pingIntervalMs } =
    options;
  const logger = (options.logger ?? newLogger({ level: process.env.MICRO_LOG_LEVEL })).child({
    transport: "nats",
  });
  const owner: Owner = { kind: "transport", errorId: transportErrorId, logger };
  const connection = newConnection(options, owner);
  /** Below it are the subjects of this transport's ends. */
  const base = createInbox();
  const sockets = new Map<string, NatsSocket>();
  /** Who waits for an answer to an empty message. */
  const asking = new Map<string, (answer: Msg) => void>();
  /** By the inbox of go-micro's client. */
  const ofGoMicro = new Map<string, NatsSocket>();
  const followed = new WeakSet<Session>();
  let opening: Promise<Listening> | undefined;
  let sweeping: NodeJS.Timeout | undefined;
  let ends = 0;

  return { name: "nats", maxMessageBytes, dial, listen, close, [Symbol.asyncDispose]: close };

  async function session(): Promise<Session> {
    opening ??= (async () => {
      await connection.open();
      const listening = await connection.listen({ subject: `${base}.*`, onMessage: receive });
      clearInterval(sweeping);
      sweeping = setInterval(sweep, pingIntervalMs).unref();
      return listening;
    })().catch((thrown: unknown) => {
      opening = undefined;
      throw thrown;
    });
    await opening;
    const present = connection.session();
    if (!followed.has(present)) {
      followed.add(present);
      void present.ended.then((why) => {
        for (const socket of sockets.values()) if (socket.session === present) socket.lose(why);
      });
    }
    return present;
  }

  function receive(message: Msg): void {
    const id = message.subject.slice(base.length + 1);
    const onAnswer = asking.get(id);
    const socket = sockets.get(id);
    if (onAnswer !== undefined) onAnswer(message);
    else if (socket !== undefined) socket.receive(message);
    // An end of ours that is gone, or was given up before it was accepted: whoever keeps the other end shall know.
    else if (!isEnd(message)) message.respond(ownWire.control.end());
  }

  function newSocket(
    present: Session,
    wire: Wire,
    peer: string,
    names: { local?: string; id?: string } = {},
  ): NatsSocket {
    const id = names.id ?? String(++ends);
    const own = `${base}.${id}`;
    const socket = new NatsSocket({
      session: present,
      wire,
      peer,
      own,
      local: names.local ?? own,
      remote: peer,
      maxMessageBytes,
      onClosed() {
        sockets.delete(id);
        if (ofGoMicro.get(peer) === socket) ofGoMicro.delete(peer);
      },
    });
    sockets.set(id, socket);
    return socket;
  }

  async function dial(address: string, events: SocketEvents, dialOptions: DialOptions = {}): Promise<Socket> {
    const { signal } = dialOptions;
    if (signal?.aborted) throw cancelled(address, signal);
    if (!isSubject(address)) throw unreachable(address, "it is no subject of NATS");
    const present = await session().catch((thrown: unknown) => {
      throw unreachable(address, MicroError.from(thrown).detail, thrown);
    });
    const id = String(++ends);
    let socket: NatsSocket | undefined;
    let peer: string | undefined;
    const answered = await ask(present, diallingOf(address), id, address, dialOptions, ({ reply }) => {
      peer = reply;
      // At once: the other end may have more to say already.
      if (reply !== undefined) socket = newSocket(present, ownWire, address, { id });
    });
    if (answered && socket !== undefined) {
      socket.start(events, peer);
      return socket;
    }
    // go-micro's server answers nothing to an empty message, and forgets its sender.
    const heard = await ask(present, address, String(++ends), address, dialOptions, () => {});
    if (!heard) throw unreachable(address, "nobody listens there");
    const ofGo = newSocket(present, goWire, address);
    ofGo.start(events);
    return ofGo;
  }

  /**
   * Sends an empty message.
   * @returns false when the server knows nobody who listens for it; true when somebody has answered, or, on the address
   *   itself, when it was delivered
   */
  async function ask(
    present: Session,
    subject: string,
    id: string,
    address: string,
    { timeoutMs: limitMs = timeoutMs, signal }: DialOptions,
    onAnswer: (answer: Msg) => void,
  ): Promise<boolean> {
    let onAbort = (): void => {};
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<boolean>((resolve, reject) => {
        asking.set(id, (answer) => {
          asking.delete(id);
          const somebody = answer.headers?.code !== 503;
          if (somebody) onAnswer(answer);
          resolve(somebody);
        });
        onAbort = () => signal !== undefined && reject(cancelled(address, signal));
        signal?.addEventListener("abort", onAbort, { once: true });
        timer = setTimeout(() => reject(unreachable(address, `no answer within ${limitMs} ms`)), limitMs);
        void present.ended.then((why) => reject(unreachable(address, why)));
        present.publish(subject, new Uint8Array(), { reply: `${base}.${id}` }).then(
          // The server says that there is nobody before it answers the ping behind the message.
          () => subject === address && resolve(true),
          (thrown) => reject(unreachable(address, MicroError.from(thrown).detail, thrown)),
        );
      });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      asking.delete(id);
    }
  }

  async function listen(
    address: string,
    accept: Accept,
    { protocols = [], tls }: ListenOptions = {},
  ): Promise<Listener> {
    const [first] = protocols;
    if (first !== undefined || tls !== undefined) {
      const what =
        first === undefined
          ? "has no TLS of its own (--nats_tls is that to NATS)"
          : `can't serve protocol ${first.name}`;
      const detail = `the nats transport carries messages, no bytes, and ${what} on ${address}`;
      throw notImplemented(transportErrorId, detail, { reason: "not-supported" });
    }
    let subject: string;
    try {
      subject = listeningSubject(address);
    } catch (thrown) {
      throw cannotListen(address, thrown instanceof Error ? thrown.message : String(thrown));
    }
    try {
      const present = await session();
      const busy = await ask(present, `${diallingOf(subject)}.busy`, String(++ends), address, {}, () => {});
      if (busy) throw cannotListen(address, "somebody listens there already");
      const listenings = await Promise.all([
        connection.listen({
          subject: `${diallingOf(subject)}.busy`,
          onMessage: (message) => void message.respond(""),
        }),
        connection.listen({
          subject: diallingOf(subject),
          onMessage: (message) => onDial(subject, accept, message),
        }),
        connection.listen({ subject, onMessage: (message) => onGoMicro(subject, accept, message) }),
      ]);
      let closing: Promise<void> | undefined;
      const end = (): Promise<void> => {
        closing ??= Promise.all(listenings.map((listening) => listening.end())).then(() => {});
        return closing;
      };
      return { address: subject, close: end, [Symbol.asyncDispose]: end };
    } catch (thrown) {
      if (MicroError.is(thrown) && thrown.code === 500) throw thrown;
      throw cannotListen(address, MicroError.from(thrown).detail, thrown);
    }
  }

  function onDial(subject: string, accept: Accept, message: Msg): void {
    const { reply } = message;
    if (reply === undefined) return;
    const id = String(++ends);
    const socket = newSocket(connection.session(), ownWire, reply, { local: subject, id });
    // Before anything that is sent while accepting.
    message.respond("", { reply: `${base}.${id}` });
    begin(socket, accept);
  }

  function onGoMicro(subject: string, accept: Accept, message: Msg): void {
    const { reply, data } = message;
    if (reply === undefined || data.length === 0) return;
    let socket = ofGoMicro.get(reply);
    if (socket === undefined) {
      socket = newSocket(connection.session(), goWire, reply, { local: subject });
      ofGoMicro.set(reply, socket);
      begin(socket, accept);
    }
    socket.receive(message);
  }

  function begin(socket: NatsSocket, accept: Accept): void {
    let events: SocketEvents = { message() {}, close() {} };
    try {
      events = accept(socket);
    } catch (thrown) {
      logger.debug(`a connection from ${socket.remote} was not wanted: ${String(thrown)}`);
      socket.destroy();
    }
    socket.start(events);
  }

  /** Nobody says that a process has died; and go-micro's clients never say anything when they leave. */
  function sweep(): void {
    const now = performance.now();
    for (const socket of sockets.values()) socket.probe();
    for (const socket of ofGoMicro.values()) if (now - socket.active > idleMs) socket.destroy();
  }

  async function close(): Promise<void> {
    clearInterval(sweeping);
    await Promise.all([...sockets.values()].map((socket) => socket.close()));
    const present = opening === undefined || connection.server === "" ? undefined : connection.session();
    // What has been said leaves before the connection does.
    await present?.answered(present.nats.flush()).catch(() => {});
    opening = undefined;
    await connection.close();
  }
}

function isEnd({ data, headers }: Msg): boolean {
  return headers?.code === 503 || data[0] === ownWire.control.end()[0];
}

function cancelled(address: string, signal: AbortSignal): MicroError {
  const detail = `dialling ${address} was cancelled`;
  return new MicroError({
    id: transportErrorId,
    code: 499,
    detail,
    reason: "cancelled",
    cause: signal.reason,
  });
}

function unreachable(address: string, why: string, cause?: unknown): MicroError {
  return serviceUnavailable(transportErrorId, `could not dial ${address}: ${why}`, {
    reason: "connection-failed",
    cause,
  });
}

function cannotListen(address: string, why: string, cause?: unknown): MicroError {
  return new MicroError({
    id: transportErrorId,
    code: 500,
    detail: `can't listen on ${address}: ${why}`,
    cause,
  });
}
