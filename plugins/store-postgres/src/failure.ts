/**
 * What PostgreSQL's and the network's errors mean for whoever asked.
 */
import { forbidden, internalServerError, MicroError, serviceUnavailable, unauthorized } from "ts-micro";
import { storeId } from "ts-micro/store";
import { tlsProblem } from "ts-micro/transport";

export interface Failure {
  readonly error: MicroError;
  /** This connection, and probably all others to the server, are of no use any more. */
  readonly isOutage: boolean;
  /** The server has surely not done what it was asked. */
  readonly isUndone: boolean;
  /** The table was taken away, with or without the rest. */
  readonly isTableGone: boolean;
}

/** Codes of PostgreSQL's manual, appendix A: those with which a server says that it can't serve anybody just now. */
const outages = new Set(["57P01", "57P02", "57P03", "53300"]);
const readOnly = "25006";
const undefinedTable = "42P01";

/** @param server `host:port` */
export function failureOf(thrown: unknown, server: string): Failure {
  const code = codeOf(thrown);
  const make = (error: MicroError, more: Partial<Failure> = {}): Failure => ({
    ...{ error, isOutage: false, isUndone: false, isTableGone: false },
    ...more,
  });
  if (MicroError.is(thrown)) {
    const isUndone = thrown.reason === "connection-failed";
    return make(thrown, { isOutage: isUndone || thrown.reason === "timeout", isUndone });
  }
  const detail = `PostgreSQL at ${server}: ${textOf(thrown)}`;
  const more = { cause: thrown };
  if (code === readOnly || outages.has(code)) {
    const error = serviceUnavailable(storeId, detail, { ...more, reason: "connection-failed" });
    return make(error, { isOutage: true, isUndone: code !== "57P02" });
  }
  if (code.startsWith("28")) return make(refused(server, thrown), { isUndone: true });
  if (code === "42501") {
    const cure = "let the user read and write micro_records, or create it where there is none";
    return make(forbidden(storeId, `${detail}; ${cure}`, more), { isUndone: true });
  }
  if (code === undefinedTable) {
    return make(internalServerError(storeId, detail, more), { isUndone: true, isTableGone: true });
  }
  if (/^[0-9A-Z]{5}$/.test(code) && !code.startsWith("08"))
    return make(internalServerError(storeId, detail, more));
  const error = serviceUnavailable(storeId, detail, { ...more, reason: "connection-lost" });
  return make(error, { isOutage: true });
}

/** The credentials are no good, or there are none. */
export function refused(server: string, thrown: unknown): MicroError {
  const cure = "set PGUSER and PGPASSWORD, or put them into the address";
  return unauthorized(storeId, `PostgreSQL at ${server}: ${textOf(thrown)}; ${cure}`, { cause: thrown });
}

/** What it says, for one line: of several attempts at once, that of each. */
export function textOf(thrown: unknown): string {
  if (thrown instanceof AggregateError && thrown.errors.length > 0)
    return thrown.errors.map(textOf).join(", ");
  if (MicroError.is(thrown)) return thrown.detail;
  if (!(thrown instanceof Error)) return String(thrown);
  const problem = tlsProblem(thrown);
  return problem === undefined ? thrown.message : problem;
}

/** PostgreSQL's own, or the system's; empty when there is none. */
export function codeOf(thrown: unknown): string {
  const code = typeof thrown === "object" && thrown !== null && "code" in thrown ? thrown.code : undefined;
  return typeof code === "string" ? code : "";
}
