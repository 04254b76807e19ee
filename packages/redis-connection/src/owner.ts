import { type Logger, type MicroError, serviceUnavailable } from "ts-micro";

/** Whose connection it is, for its errors and its log. */
export interface Owner {
  /** `broker`, `store`... */
  readonly kind: string;
  /** The `id` of its errors, such as `go.micro.broker`. */
  readonly errorId: string;
  readonly logger: Logger;
}

/** 503: what is asked for needs a connection, and nobody has opened one. */
export function notConnected({ kind, errorId }: Owner): MicroError {
  const detail = `${kind} redis is not connected; call connect() first`;
  return serviceUnavailable(errorId, detail, { reason: "not-connected" });
}
