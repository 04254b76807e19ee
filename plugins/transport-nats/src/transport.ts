import { type Msg, newConnection, type Session } from "@ts-micro/nats-connection";
import { MicroError, newLogger, notImplemented } from "ts-micro";
import type {
  Accept,
  DialOptions,
  Listener,
  ListenOptions,
  Protocol,
  Socket,
  SocketEvents,
  Transport,
} from "ts-micro/transport";
import { Ends } from "./ends.ts";
import { cancelled, cannotListen, unreachable } from "./failures.ts";
import { defaults, type NatsTransportOptions, transportErrorId } from "./options.ts";
import { NatsSocket } from "./socket.ts";
import { NatsStream } from "./stream.ts";
import { connectingOf, diallingOf, isSubject, listeningSubject } from "./subject.ts";
import { goWire, ownWire, type Wire } from "./wire.ts";

/**
 * go-micro's nats transport (`transport/nats` of go-plugins @ v2.9.1, and of go-micro @ v6.10.0): an address is a subject, a
 * connection an inbox. Two of ours open their connections below that subject and tell each other of what go-micro's don't:
 * that one ends, and how much was taken. There they can also have connections of bytes, on which protocols with frames of
 * their own send many calls in one message.
 *
 * Opens nothing before it is used. Connections end with the one to NATS; listeners come back with it.
 * @throws MicroError 400 for an address of a server that is none
 */
export function newTransport(options: NatsTransportOptions = {}): Transport {
  const { maxMessageBytes = defaults.maxMessageBytes, idleMs = defaults.idleMs } = options;
  const logger = (options.logger ?? newLogger({ level: process.env.MICRO_LOG_LEVEL })).child({
    transport: "nats",
  });
  const owner = { kind: "transport", errorId: transportErrorId, logger };
  const connection = newConnection(options, owner);
  const ends = new Ends(connection, options, sweep);
  /** By the inbox of go-micro's client. */
  const ofGoMicro = new Map<string, NatsSocket>();

  return {
    name: "nats",
    maxMessageBytes,
    dial,
    connect,
    listen,
    close: () => ends.close(),
    [Symbol.asyncDispose]: () => ends.close(),
  };

  function newSocket(
    session: Session,
    wire: Wire,
    peer: string,
    names: { local?: string; id?: string } = {},
  ): NatsSocket {
    const id = names.id ?? ends.newId();
    const own = ends.subjectOf(id);
    const local = names.local ?? own;
    const onClosed = (): void => {
      ends.remove(id);
      if (ofGoMicro.get(peer) === socket) ofGoMicro.delete(peer);
    };
    const socket = new NatsSocket({
      session,
      wire,
      peer,
      own,
      local,
      remote: peer,
      maxMessageBytes,
      onClosed,
    });
    ends.add(id, socket);
    return socket;
  }

  function newStream(
    session: Session,
    id: string,
    peer: string,
    names: { local?: string; remote?: string },
  ): NatsStream {
    const own = ends.subjectOf(id);
    const { local = own, remote = peer } = names;
    const stream = new NatsStream({ session, peer, own, local, remote, onClosed: () => ends.remove(id) });
    ends.add(id, stream);
    return stream;
  }

  async function sessionFor(address: string, signal: AbortSignal | undefined): Promise<Session> {
    if (signal?.aborted) throw cancelled(address, signal);
    if (!isSubject(address)) throw unreachable(address, "it is not a subject of NATS");
    return ends.session().catch((thrown: unknown) => {
      throw unreachable(address, MicroError.from(thrown).detail, thrown);
    });
  }

  async function dial(address: string, events: SocketEvents, dialOptions: DialOptions = {}): Promise<Socket> {
    const session = await sessionFor(address, dialOptions.signal);
    const id = ends.newId();
    let socket: NatsSocket | undefined;
    let peer: string | undefined;
    const question = { subject: diallingOf(address), id };
    const answered = await ends.ask(session, question, address, dialOptions, ({ reply }) => {
      peer = reply;
      // At once: the other end may have more to say already.
      if (reply !== undefined) socket = newSocket(session, ownWire, address, { id });
    });
    if (answered && socket !== undefined) {
      socket.start(events, peer);
      return socket;
    }
    // go-micro's server answers nothing to an empty message, and forgets its sender.
    const bare = { subject: address, id: ends.newId() };
    const heard = await ends.ask(session, bare, address, dialOptions, () => {});
    if (!heard) throw unreachable(address, "nobody listens there");
    const ofGo = newSocket(session, goWire, address);
    ofGo.start(events);
    return ofGo;
  }

  async function connect(
    address: string,
    { alpn, ...dialOptions }: DialOptions & { alpn: readonly string[] },
  ): Promise<NatsStream> {
    const session = await sessionFor(address, dialOptions.signal);
    const id = ends.newId();
    let stream: NatsStream | undefined;
    const question = { subject: connectingOf(address), id, payload: Buffer.from(alpn.join(" ")) };
    const answered = await ends.ask(session, question, address, dialOptions, ({ reply, data }) => {
      if (data.length > 0) throw unreachable(address, Buffer.from(data).toString());
      if (reply) stream = newStream(session, id, reply, { remote: address });
    });
    if (!answered) throw unreachable(address, "nothing that takes connections of bytes listens there");
    if (stream === undefined)
      throw unreachable(address, "what answered there is not a transport of ts-micro");
    return stream;
  }

  async function listen(
    address: string,
    accept: Accept,
    { protocols = [], tls }: ListenOptions = {},
  ): Promise<Listener> {
    if (tls !== undefined) {
      const detail = `the nats transport has no TLS of its own (--nats_tls is that to NATS), on ${address}`;
      throw notImplemented(transportErrorId, detail, { reason: "not-supported" });
    }
    let subject: string;
    try {
      subject = listeningSubject(address);
    } catch (thrown) {
      throw cannotListen(address, thrown instanceof Error ? thrown.message : String(thrown));
    }
    try {
      const present = await ends.session();
      const question = { subject: `${diallingOf(subject)}.busy`, id: ends.newId() };
      const busy = await ends.ask(present, question, address, {}, () => {});
      if (busy) throw cannotListen(address, "somebody listens there already");
      const wanted: [subject: string, onMessage: (message: Msg, session: Session) => void][] = [
        [question.subject, (message) => void message.respond("")],
        [diallingOf(subject), (...came) => onDial(subject, accept, ...came)],
        [subject, (...came) => onGoMicro(subject, accept, ...came)],
      ];
      if (protocols.length > 0) {
        wanted.push([connectingOf(subject), (...came) => onConnect(subject, protocols, ...came)]);
      }
      const listenings = await Promise.all(
        wanted.map(([subject, onMessage]) => connection.listen({ subject, onMessage })),
      );
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

  function onDial(subject: string, accept: Accept, message: Msg, session: Session): void {
    const { reply } = message;
    if (reply === undefined) return;
    const id = ends.newId();
    const socket = newSocket(session, ownWire, reply, { local: subject, id });
    // Before anything that is sent while accepting.
    message.respond("", { reply: ends.subjectOf(id) });
    begin(socket, accept);
  }

  /** Who connects names the protocols that it could speak, as by ALPN. */
  function onConnect(subject: string, protocols: readonly Protocol[], message: Msg, session: Session): void {
    const { reply } = message;
    if (!reply) return;
    const wanted = message.string().split(" ");
    const protocol = protocols.find(({ alpn = [] }) => alpn.some((name) => wanted.includes(name)));
    if (protocol === undefined) {
      message.respond(`none of the protocols ${wanted.join(", ")} is spoken there`);
      return;
    }
    const id = ends.newId();
    const stream = newStream(session, id, reply, { local: subject });
    message.respond("", { reply: ends.subjectOf(id) });
    try {
      protocol.serve(stream);
    } catch (thrown) {
      logger.debug(`a connection from ${reply} was not wanted: ${String(thrown)}`);
      stream.destroy();
    }
  }

  function onGoMicro(subject: string, accept: Accept, message: Msg, session: Session): void {
    const { reply, data } = message;
    if (reply === undefined || data.length === 0) return;
    let socket = ofGoMicro.get(reply);
    if (socket === undefined) {
      socket = newSocket(session, goWire, reply, { local: subject });
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

  /** go-micro's clients never say anything when they leave. */
  function sweep(): void {
    const now = performance.now();
    for (const socket of ofGoMicro.values()) if (now - socket.active > idleMs) socket.destroy();
  }
}
