import { JetStreamApiError, type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import type { Session } from "@ts-micro/nats-connection";
import { forbidden, MicroError, notImplemented, serviceUnavailable, timeout } from "ts-micro";
import { brokerErrorId } from "ts-micro/broker";

/**
 * Asks JetStream's API on this connection.
 * @param doing what for, the first words of an error
 * @throws MicroError 501 `not-supported` without JetStream, 403 not allowed, 408 `timeout`, 503 `connection-lost`, or with
 *   the server's own code and sentence
 */
export type Ask = <Result>(
  session: Session,
  doing: string,
  work: (manager: JetStreamManager) => Promise<Result>,
) => Promise<Result>;

export function newAdministration(timeoutMs: number): Ask {
  const managers = new WeakMap<Session, Promise<JetStreamManager>>();
  return async (session, doing, work) => {
    const manager =
      managers.get(session) ?? jetstreamManager(session.nats, { checkAPI: false, timeout: timeoutMs });
    managers.set(session, manager);
    try {
      return await session.answered(manager.then(work));
    } catch (thrown) {
      throw jetStreamError(session, doing, thrown);
    }
  };
}

/** What the library throws, as one of ours. */
export function jetStreamError(session: Session, doing: string, thrown: unknown): MicroError {
  if (MicroError.is(thrown)) return thrown;
  const { name, message } = thrown instanceof Error ? thrown : { name: "", message: String(thrown) };
  if (thrown instanceof JetStreamApiError) {
    const code = thrown.status >= 400 && thrown.status < 600 ? thrown.status : 500;
    const detail = `${doing}: the nats server says: ${message}`;
    return new MicroError({ id: brokerErrorId, code, detail, cause: thrown });
  }
  if (name === notEnabled) {
    const detail = `${doing}: nats server ${session.server} has no JetStream for this account; enable it there, or do without --nats_jetstream`;
    return notImplemented(brokerErrorId, detail, { reason: "not-supported", cause: thrown });
  }
  const detail = `${doing}: ${message}`;
  if (name === "PermissionViolationError") return forbidden(brokerErrorId, detail, { cause: thrown });
  if (name === "TimeoutError") return timeout(brokerErrorId, detail, { reason: "timeout", cause: thrown });
  return serviceUnavailable(brokerErrorId, detail, { cause: thrown });
}

/** The library's class of it is not exported. */
const notEnabled = "JetStreamNotEnabled";

/** Nobody answers on the subject: there is no stream for it, or none that can answer at present. */
export function isUnanswered(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === notEnabled;
}

/** True for the error of JetStream's API with this number, however it was wrapped. */
export function hasApiCode(thrown: unknown, apiCode: number): boolean {
  const error = MicroError.is(thrown) ? thrown.cause : thrown;
  return error instanceof JetStreamApiError && error.code === apiCode;
}
