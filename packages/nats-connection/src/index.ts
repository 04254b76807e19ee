export {
  createInbox,
  headers,
  type Msg,
  type MsgHdrs,
  millis,
  type NatsConnection,
  nanos,
} from "@nats-io/transport-node";
export { type Connection, newConnection } from "./connection.ts";
export { natsFlags } from "./flags.ts";
export { connectionDefaults, type NatsConnectionOptions } from "./options.ts";
export { parseServerAddress, type ServerAddress } from "./server-address.ts";
export type { Listener, Listening, PublishOptions, Session } from "./session.ts";
