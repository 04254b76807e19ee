import { type MicroError, timeout } from "ts-micro";
import { brokerErrorId } from "ts-micro/broker";

/**
 * What the server answers to `work`. A quorum queue without a leader answers nothing, for a minute or for ever.
 *
 * @throws MicroError 408 `timeout` after `ms`; the work itself may still be done later
 */
export async function answered<Answer>(ms: number, what: string, work: Promise<Answer>): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooLate(what, ms)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Says how to look for the leader, because the server doesn't. */
function tooLate(what: string, ms: number): MicroError {
  const detail = `rabbitmq doesn't answer for ${what} within ${ms} ms (timeoutMs); if it is a quorum queue, it may have no leader: see \`rabbitmq-queues quorum_status\``;
  return timeout(brokerErrorId, detail, { reason: "timeout" });
}
