export * from "./broker.ts";
export { type BrokerEngine, newBrokerOver, type SubscribeRequest } from "./broker-over.ts";
export {
  type BrokerConnection,
  type BrokerConnectionSetup,
  newBrokerConnection,
  type ServerSession,
} from "./connection.ts";
export { type Delivery, type DeliverySetup, newDelivery, type Room } from "./delivery.ts";
export { decodeEnvelope, encodeEnvelope, envelopeText, readEnvelope } from "./envelope.ts";
export { brokerErrorId, cancelled, notConnected, untilAborted } from "./failures.ts";
export type { Incoming, Outcome } from "./handling.ts";
export { type HttpBrokerOptions, newHttpBroker } from "./http.ts";
export { newMemoryBroker } from "./memory.ts";
export { checkTopic, planSubscription, type SubscribePlan } from "./subscribe-options.ts";
export { newSubscription } from "./subscription.ts";
