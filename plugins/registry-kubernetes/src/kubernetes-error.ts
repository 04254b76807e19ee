import { MicroError, serviceUnavailable } from "ts-micro";

/** What the API server answered instead of a result: a `Status`. */
export class KubernetesError extends Error {
  override readonly name = "KubernetesError";
  /** Of HTTP. */
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }

  /** What came after the given version isn't known any more, or not yet. */
  get isLostVersion(): boolean {
    return this.status === 410 || /too large resource version/i.test(this.message);
  }

  /** Another API server may do better, or this one a little later. */
  get isPassing(): boolean {
    return this.status === 429 || this.status >= 500;
  }
}

/** What a user of the registry gets for anything that was thrown here. */
export function asMicroError(error: unknown): MicroError {
  if (!(error instanceof KubernetesError)) return MicroError.from(error);
  const made = (code: number, detail: string): MicroError =>
    new MicroError({ id: "go.micro.registry", code, detail: `kubernetes: ${detail}`, cause: error });
  const { status, message } = error;
  if (status === 401) return made(401, `${message}; give the token of a service account`);
  if (status === 403) {
    return made(
      403,
      `${message}; its role needs get, list, watch and patch on pods, and list and watch on endpointslices`,
    );
  }
  if (!error.isPassing) return made(status === 400 || status === 422 ? 400 : 500, message);
  return serviceUnavailable("go.micro.registry", `kubernetes: ${message}`, {
    reason: "connection-failed",
    cause: error,
  });
}

export function unreachable(address: string, cause: unknown): MicroError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return serviceUnavailable("go.micro.registry", `kubernetes at ${address} can't be used: ${why}`, {
    reason: "connection-failed",
    cause,
  });
}
