import { MicroError, serviceUnavailable } from "ts-micro";
import { transportErrorId } from "./options.ts";

export function cancelled(address: string, signal: AbortSignal): MicroError {
  const detail = `dialling ${address} was cancelled`;
  return new MicroError({
    id: transportErrorId,
    code: 499,
    detail,
    reason: "cancelled",
    cause: signal.reason,
  });
}

export function unreachable(address: string, why: string, cause?: unknown): MicroError {
  return serviceUnavailable(transportErrorId, `could not dial ${address}: ${why}`, {
    reason: "connection-failed",
    cause,
  });
}

export function cannotListen(address: string, why: string, cause?: unknown): MicroError {
  return new MicroError({
    id: transportErrorId,
    code: 500,
    detail: `can't listen on ${address}: ${why}`,
    cause,
  });
}
