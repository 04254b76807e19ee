/** Bytes of a peer that are refused. `status` is what a server answers before it closes the connection. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
