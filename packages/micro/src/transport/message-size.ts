import { MicroError } from "../errors.ts";

/** Who sends a body, for the error of one that is too long. */
export interface Sender {
  /** `go.micro.client`. */
  id: string;
  /** What the body is: `the answer of Say.Hello`. */
  what: string;
  code: 413 | 500;
}

/**
 * Refuses a body that the transport doesn't carry before it is sent, because the receiver would end the connection
 * over it. That the other end has the same limit is only assumed; with a lower one the connection ends.
 *
 * @param limit the transport's `maxMessageBytes`
 * @throws MicroError `too-large` that names both sizes and the option to raise
 */
export function checkBodySize(
  body: { readonly length: number },
  limit: number | undefined,
  sender: Sender,
): void {
  if (limit !== undefined && body.length > limit) throw bodyTooLarge(body, limit, sender);
}

/** The error of `checkBodySize`, for those who make its text only when it is needed. */
export function bodyTooLarge(
  body: { readonly length: number },
  limit: number,
  { id, what, code }: Sender,
): MicroError {
  const detail =
    `${what} has ${body.length} bytes, of ${limit} allowed; ` +
    "send less at a time, as a stream can, or raise maxMessageBytes of the transport at both ends";
  return new MicroError({ id, code, detail, reason: "too-large" });
}
