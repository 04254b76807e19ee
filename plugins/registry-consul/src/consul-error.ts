import { MicroError, serviceUnavailable } from "ts-micro";

/** What Consul answered instead of a result. */
export class ConsulError extends Error {
  override readonly name = "ConsulError";
  /** Of HTTP. */
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }

  /** Another agent may do better, or this one a little later: no leader, too many requests. */
  get isPassing(): boolean {
    return this.status === 429 || this.status >= 500;
  }
}

/** What a user of the registry gets for anything that was thrown here. */
export function asMicroError(error: unknown): MicroError {
  if (!(error instanceof ConsulError)) return MicroError.from(error);
  const made = (code: number, detail: string): MicroError =>
    new MicroError({ id: "go.micro.registry", code, detail: `consul: ${detail}`, cause: error });
  const { status, message } = error;
  if (status === 401 || status === 403) {
    return made(403, `${message}; give a CONSUL_HTTP_TOKEN whose policy has service:write and node:read`);
  }
  if (!error.isPassing) return made(status === 400 ? 400 : 500, message);
  return serviceUnavailable("go.micro.registry", `consul: ${message}`, {
    reason: "connection-failed",
    cause: error,
  });
}

export function unreachable(address: string, cause: unknown): MicroError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return serviceUnavailable("go.micro.registry", `consul at ${address} can't be used: ${why}`, {
    reason: "connection-failed",
    cause,
  });
}
