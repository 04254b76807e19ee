import type { Logger } from "ts-micro";
import { decodeEnvelope, type Message, messageHeaders } from "ts-micro/broker";

/** `undefined` for what is no message of go-micro's: the log says why. */
export function readMessage(subject: string, payload: Uint8Array, logger: Logger): Message | undefined {
  try {
    const message = decodeEnvelope(Buffer.from(payload));
    message.header[messageHeaders.topic] ??= subject;
    return message;
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    logger.error(`message on "${subject}" dropped, it is no go-micro message: ${why}`);
    return undefined;
  }
}
