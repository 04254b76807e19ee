import type { IPublishPacket } from "mqtt-packet";
import type { Delivery, Incoming, Outcome } from "ts-micro/broker";
import type { Session } from "./session.ts";

/**
 * The messages that a server has sent and not seen acknowledged. It sends these again on each further connection, with
 * their ids: those that a handler is still busy with are not handled twice.
 */
export interface Receiver {
  onPublish(packet: IPublishPacket, session: Session): void;
  /** The server forgets an id of QoS 2. */
  onRelease(id: number, session: Session): void;
  /** Messages that were received and have no verdict. */
  readonly unsettled: number;
  /** Resolves at the next verdict. */
  settled(): Promise<void>;
  /** How many messages were received so far. */
  readonly received: number;
}

export interface ReceiverSetup {
  delivery: Delivery;
  /** What the delivery is given; `undefined` for a message that can't be read. */
  read(packet: IPublishPacket): Incoming | undefined;
  /** A message that no handler finished. Only a new connection brings it again. */
  onReturned(): void;
}

export function newReceiver({ delivery, read, onReturned }: ReceiverSetup): Receiver {
  /** By id: not settled, or settled while there was no connection to say so. */
  let states = new Map<number, "in hand" | "settled">();
  let present: Session | undefined;
  let unsettled = 0;
  let received = 0;
  const waiting: (() => void)[] = [];

  return {
    get unsettled() {
      return unsettled;
    },
    get received() {
      return received;
    },
    settled: () => new Promise((resolve) => waiting.push(resolve)),

    onPublish(packet, session) {
      follow(session);
      const { qos, messageId: id = 0 } = packet;
      // An id without that mark is a new message's: the server has seen the old one acknowledged.
      const state = packet.dup ? states.get(id) : undefined;
      if (state === "settled") acknowledge(qos, id, session);
      if (state !== undefined) return;
      received++;
      const incoming = read(packet);
      if (incoming === undefined) {
        if (qos > 0) acknowledge(qos, id, session);
        return;
      }
      unsettled++;
      const ids = states;
      if (qos > 0) ids.set(id, "in hand");
      delivery.take({
        ...incoming,
        attempt: packet.dup ? 2 : 1,
        settle: (outcome) => settle(outcome, ids, packet),
      });
    },

    onRelease(id, session) {
      follow(session);
      states.delete(id);
      session.send({ cmd: "pubcomp", messageId: id });
    },
  };

  /** A server that has forgotten us gives the ids to other messages. */
  function follow(session: Session): void {
    if (session === present) return;
    present = session;
    if (!session.present) states = new Map();
    void session.ended.then(() => {
      if (present === session) present = undefined;
    });
  }

  function settle(outcome: Outcome, ids: typeof states, { qos, messageId: id = 0 }: IPublishPacket): void {
    unsettled--;
    for (const resolve of waiting.splice(0)) resolve();
    if (outcome === "returned") {
      ids.delete(id);
      onReturned();
    } else if (qos > 0 && ids === states) {
      ids.set(id, "settled");
      if (present !== undefined) acknowledge(qos, id, present);
    }
  }

  /** Where the connection is gone, it is said on the next one, when the server asks by sending the message again. */
  function acknowledge(qos: number, id: number, session: Session): void {
    session.send({ cmd: qos === 1 ? "puback" : "pubrec", messageId: id });
    // With QoS 2 the server says when it has forgotten the id.
    if (qos === 1) states.delete(id);
  }
}
