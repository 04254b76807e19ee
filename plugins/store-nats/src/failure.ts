import { JetStreamApiError } from "@nats-io/jetstream";
import type { Session } from "@ts-micro/nats-connection";
import { forbidden, MicroError, notImplemented, serviceUnavailable, timeout } from "ts-micro";
import { storeId } from "ts-micro/store";

/** Numbers of errors: `server/errors.json` of nats-server. */
const streamNotFound = 10_059;
const nameInUse = 10_058;

/** The bucket isn't there: nobody answers for it, or the server says so. */
export function isNoBucket(thrown: unknown): boolean {
  return hasApiCode(thrown, streamNotFound) || nameOf(thrown) === notEnabled;
}

/** Somebody has made it with other settings, which count. */
export function isThere(thrown: unknown): boolean {
  return hasApiCode(thrown, nameInUse);
}

/** What the library throws, as one of ours. */
export function failureOf(session: Session, doing: string, thrown: unknown): MicroError {
  if (MicroError.is(thrown)) return thrown;
  const detail = `${doing}: nats server ${session.server} says: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
  const more = { cause: thrown };
  const name = nameOf(thrown);
  if (name === "PermissionViolationError") return forbidden(storeId, detail, more);
  if (name === "TimeoutError") return timeout(storeId, detail, { ...more, reason: "timeout" });
  if (name === notEnabled) {
    const cure = "enable JetStream there for this account";
    return notImplemented(storeId, `${doing}: nats server ${session.server} has no JetStream; ${cure}`, {
      ...more,
      reason: "not-supported",
    });
  }
  // Such as a cluster that has no leader just now.
  return serviceUnavailable(storeId, detail, { ...more, reason: "connection-failed" });
}

/** The library's class of it is not exported. */
const notEnabled = "JetStreamNotEnabled";

function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : "";
}

function hasApiCode(thrown: unknown, code: number): boolean {
  return thrown instanceof JetStreamApiError && thrown.code === code;
}
