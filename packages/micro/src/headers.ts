/** Header names of mucp (`spec`: go-micro `client/rpc_codec.go`, `server/rpc_codec.go`), in the form that HTTP gives them. */
export const headers = {
  contentType: "Content-Type",
  accept: "Accept",
  /** The caller's deadline as remaining time, in decimal nanoseconds. */
  timeout: "Timeout",
  service: "Micro-Service",
  endpoint: "Micro-Endpoint",
  /** Always equal to the endpoint. */
  method: "Micro-Method",
  /** Number of the request; v6 writes `Micro-ID` on transports that keep the case. */
  id: "Micro-Id",
  /** Present on every message of a stream: the stream's id. */
  stream: "Micro-Stream",
  /** An error's text, or `EOS`. */
  error: "Micro-Error",
  /** Present on an event, which is no call. */
  topic: "Micro-Topic",
  protocol: "Micro-Protocol",
  target: "Micro-Target",
  fromService: "Micro-From-Service",
  /** `close` on an answer: the caller should not use the connection again. The server would still answer. */
  connection: "Connection",
  /**
   * Present on the last message of a connection, sent instead of an answer: no request that arrived after
   * the previous answer was given to a handler, and none will be (docs/decisions/0010-goodbye.md).
   */
  goodbye: "Micro-Goodbye",
  /**
   * On a client's `EOS`: it goes on reading. A server of ours answers at once with a message that carries
   * the same header and no body, and confirms the end of the stream with an `EOS` of its own. go-micro's
   * servers send neither after a client's `EOS`.
   */
  halfClose: "Micro-Half-Close",
} as const;

/** Value of `Micro-Error` that ends a stream. */
export const endOfStream = "EOS";
