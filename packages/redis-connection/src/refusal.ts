import { ErrorReply } from "@redis/client";
import { forbidden, MicroError, serviceUnavailable } from "ts-micro";

/** What a server answered instead of doing it. The first word is its code: `NOGROUP`, `NOPERM`... */
export function isRefusal(thrown: unknown, code = ""): thrown is Error {
  return thrown instanceof ErrorReply && thrown.message.startsWith(code);
}

/** The server has become a replica, or can't write any more as long as it is one. */
export function isNoPrimary(thrown: unknown): boolean {
  return isRefusal(thrown, "READONLY") || isRefusal(thrown, "MASTERDOWN");
}

/** For callers: 403 when the user may not, 503 otherwise. Other errors stay as they are. */
export function refusedAs(thrown: unknown, what: string, server: string, errorId: string): unknown {
  if (!isRefusal(thrown)) return thrown;
  const detail = `redis server ${server} refused to ${what}: ${thrown.message}`;
  if (isRefusal(thrown, "NOPERM")) return forbidden(errorId, detail, { cause: thrown });
  return serviceUnavailable(errorId, detail, { cause: thrown });
}

export function textOf(thrown: unknown): string {
  if (MicroError.is(thrown)) return thrown.detail;
  return thrown instanceof Error ? thrown.message : String(thrown);
}
