import { generate, type IPublishPacket } from "mqtt-packet";
import { forbidden, MicroError, serviceUnavailable, timeout } from "ts-micro";
import { brokerErrorId } from "ts-micro/broker";
import type { Connection } from "./connection.ts";
import { defaults, type MqttBrokerOptions } from "./options.ts";
import { describe, type Session } from "./session.ts";

export interface Publisher {
  /**
   * Resolves when the server has the message; with QoS 0, when it has left this process.
   * @throws MicroError 403, 408, 413, 503. After 408 and `connection-lost` the server may have it.
   */
  publish(topic: string, payload: Buffer): Promise<void>;
}

export function newPublisher(connection: Connection, options: MqttBrokerOptions): Publisher {
  const { qos = defaults.qos, timeoutMs = defaults.timeoutMs } = options;
  const protocolVersion = options.protocolVersion ?? defaults.protocolVersion;
  /** Those that wait until the server has acknowledged an earlier one. */
  const waiting: (() => void)[] = [];
  let underWay = 0;

  return {
    async publish(topic, payload) {
      const packet: IPublishPacket = { cmd: "publish", topic, payload, qos, dup: false, retain: false };
      const { maxPacketBytes, receiveMaximum } = connection.session();
      // The id, which is still missing, takes two bytes.
      const size = generate({ ...packet, messageId: 1 }, { protocolVersion }).length;
      if (size > maxPacketBytes) throw tooLarge(topic, size, maxPacketBytes);
      if (qos === 0) return connection.session().sent(packet);
      if (underWay >= receiveMaximum) await turn(topic);
      underWay++;
      try {
        await exchange(connection.session(), packet);
      } finally {
        underWay--;
        waiting.shift()?.();
      }
    },
  };

  function turn(topic: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const go = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(go), 1);
        reject(tooSlow(topic, timeoutMs));
      }, timeoutMs);
      waiting.push(go);
    });
  }

  async function exchange(session: Session, packet: IPublishPacket): Promise<void> {
    const answer = await session.request(packet);
    const code = "reasonCode" in answer ? (answer.reasonCode ?? 0) : 0;
    // Less is success, such as 0x10: nobody subscribes.
    if (code < 0x80) return;
    const detail = `mqtt server ${session.server} refuses to publish on "${packet.topic}": ${describe(code)}`;
    throw code === 0x87 ? forbidden(brokerErrorId, detail) : serviceUnavailable(brokerErrorId, detail);
  }
}

function tooLarge(topic: string, size: number, limit: number): MicroError {
  const detail = `publishing on "${topic}": the message has ${size} bytes with its envelope, the server takes ${limit}`;
  return new MicroError({ id: brokerErrorId, code: 413, detail, reason: "too-large" });
}

function tooSlow(topic: string, timeoutMs: number): MicroError {
  const detail = `publishing on "${topic}": the server didn't acknowledge earlier messages within ${timeoutMs} ms (timeoutMs); this one was not sent`;
  return timeout(brokerErrorId, detail, { reason: "timeout" });
}
