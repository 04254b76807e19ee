import { GrpcError, statusCode } from "./status.ts";

const unitMs: Record<string, number> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

let lastMs = 5_000;
let lastText = "5000m";

/**
 * `grpc-timeout`: at most eight digits and a unit. Rounded up to whole milliseconds, so that the server doesn't give
 * up before the client, and so that the calls of a client share one text, which HTTP/2 then sends as one byte.
 */
export function encodeTimeout(ms: number): string {
  const whole = Math.max(1, Math.ceil(ms));
  if (whole === lastMs) return lastText;
  lastMs = whole;
  lastText = digits(whole);
  return lastText;
}

function digits(ms: number): string {
  for (const unit of ["m", "S", "M", "H"] as const) {
    const count = Math.ceil(ms / (unitMs[unit] as number));
    if (count < 1e8) return `${count}${unit}`;
  }
  return "99999999H";
}

/**
 * Milliseconds, perhaps a fraction of one.
 * @throws GrpcError 13 when it isn't of that form
 */
export function decodeTimeout(value: string): number {
  const [, count, unit] = /^(\d{1,8})([HMSmun])$/.exec(value) ?? [];
  if (count === undefined || unit === undefined) {
    throw new GrpcError({
      code: statusCode.internal,
      message: `malformed grpc-timeout: ${JSON.stringify(value)}`,
    });
  }
  return Number(count) * (unitMs[unit] as number);
}
