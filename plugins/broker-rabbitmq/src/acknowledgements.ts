import { type Channel, type ConsumeMessage, IllegalOperationError } from "amqplib";

/**
 * Tells the server in one frame what is done in one turn of the event loop, as far as no gap is in between.
 *
 * That is more than thrift: a quorum queue takes 32 acknowledgements at a time, and forgets those that wait behind them
 * when the channel is closed (`SOFT_LIMIT` in RabbitMQ's rabbit_fifo_client.erl); they would be handled again. So at the
 * end of a consumer they are collected, to be one frame.
 */
export interface Acknowledgements {
  /** The message is done. */
  add(message: ConsumeMessage): void;
  /** The message has got another verdict. */
  skip(message: ConsumeMessage): void;
  /** From now on nothing is sent before `flush`. */
  collect(): void;
  /** What was added is sent now. Does nothing when the channel is gone: the server sends those messages again. */
  flush(): void;
}

/** For a channel with one consumer, whose tags go up from 1 by ones. */
export function newAcknowledgements(channel: Channel): Acknowledgements {
  /** Every message up to this tag has its verdict. */
  let settledUpTo = 0;
  const settled = new Set<number>();
  let unsent: ConsumeMessage[] = [];
  let collecting = false;
  let planned: NodeJS.Immediate | undefined;

  return {
    add(message) {
      settle(message);
      unsent.push(message);
      if (!collecting) planned ??= setImmediate(flush);
    },
    skip: settle,
    collect() {
      collecting = true;
    },
    flush,
  };

  function settle({ fields }: ConsumeMessage): void {
    settled.add(fields.deliveryTag);
    while (settled.delete(settledUpTo + 1)) settledUpTo++;
  }

  function flush(): void {
    clearImmediate(planned);
    planned = undefined;
    let last: ConsumeMessage | undefined;
    try {
      for (const message of unsent) {
        const { deliveryTag } = message.fields;
        if (deliveryTag > settledUpTo) channel.ack(message);
        else if (last === undefined || deliveryTag > last.fields.deliveryTag) last = message;
      }
      if (last !== undefined) channel.ack(last, true);
    } catch (thrown) {
      if (!(thrown instanceof IllegalOperationError)) throw thrown;
    }
    unsent = [];
  }
}
