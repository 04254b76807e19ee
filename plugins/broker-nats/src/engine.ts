import type { Connection, Session } from "@ts-micro/nats-connection";
import type { Logger } from "ts-micro";
import type { Broker, DeliverySetup, Message } from "ts-micro/broker";
import type { NatsBrokerOptions } from "./options.ts";

/** How messages go through NATS: by core NATS, or by JetStream. */
export interface Engine {
  readonly supports: Broker["supports"];
  /** Refuses a server that can't carry this. */
  check(session: Session): Promise<void>;
  /** Resolves when the message is where `supports` promises it. */
  publish(session: Session, topic: string, payload: string, message: Message): Promise<void>;
  /** Resolves once messages published from then on arrive. */
  subscribe(wanted: DeliverySetup): Promise<Receiving>;
}

export interface Receiving {
  /** Resolves when no handler runs any more and none will start. Never rejects. */
  end(): Promise<void>;
}

export interface EngineSetup {
  connection: Connection;
  options: NatsBrokerOptions;
  logger: Logger;
}
