import { MicroError, type MicroErrorFields } from "ts-micro";

/** Status numbers of gRPC that mean something here. */
export const grpcCode = {
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  outOfRange: 11,
  unavailable: 14,
} as const;

/** What etcd answered instead of a result. */
export class EtcdError extends Error {
  override readonly name = "EtcdError";
  readonly grpcCode: number;

  constructor(message: string, code: number) {
    super(message);
    this.grpcCode = code;
  }

  /** The token has expired, or the member that gave it was started again. */
  get isStaleToken(): boolean {
    return /invalid auth token|revision of auth store is old/.test(this.message);
  }

  /** Another member may do better, or this one a little later: no leader, too many requests, timed out. */
  get isPassing(): boolean {
    const passing: readonly number[] = [
      grpcCode.deadlineExceeded,
      grpcCode.resourceExhausted,
      grpcCode.unavailable,
    ];
    return passing.includes(this.grpcCode);
  }
}

/** What a user of the registry gets for anything that was thrown here. */
export function asMicroError(error: unknown): MicroError {
  if (!(error instanceof EtcdError)) return MicroError.from(error);
  const made = (code: number, cure: string, more?: MicroErrorFields): MicroError =>
    new MicroError({
      id: "go.micro.registry",
      code,
      detail: `${error.message}${cure}`,
      cause: error,
      ...more,
    });
  if (error.grpcCode === grpcCode.permissionDenied) {
    return made(403, "; the user needs a role that may read and write below /micro/registry/");
  }
  if (error.isStaleToken || /authentication failed|user name is empty/.test(error.message)) {
    return made(401, "; give the right ETCD_USERNAME and ETCD_PASSWORD");
  }
  return error.isPassing ? made(503, "", { reason: "connection-failed" }) : made(500, "");
}
