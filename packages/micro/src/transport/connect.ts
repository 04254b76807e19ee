import { connect as connectPlain, type OnReadOpts, type Socket } from "node:net";
import { parseAddress } from "../address.ts";
import { MicroError, serviceUnavailable } from "../errors.ts";
import type { TlsOptions } from "../parts.ts";
import { clientTls, nodeTls, tlsProblem } from "../tls.ts";

export interface ConnectOptions {
  /** Use TLS. */
  tls?: TlsOptions | undefined;
  /** Names to offer by ALPN. */
  alpn: readonly string[];
  /** Limit for the whole establishing, TLS included, in milliseconds. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  /**
   * Takes the bytes as they are read, beside the socket's own stream: they are in memory that all such sockets share, and
   * are others when this returns. Of data events there are none then. @default the stream has them
   */
  read?: ((bytes: Buffer) => void) | undefined;
}

/** What sockets with a `read` are read into: Node otherwise makes 64 KiB for each time that a socket is read. */
const shared = Buffer.allocUnsafeSlow(64 * 1024);

/**
 * Opens a TCP or TLS connection to `host:port`. The socket already has a listener for `error`.
 * @throws MicroError 503 `connection-failed` naming the address and what to do; 499 `cancelled` by the signal.
 */
export function connectTcp(address: string, options: ConnectOptions): Promise<Socket> {
  const { tls, alpn, timeoutMs, signal, read } = options;
  return new Promise((resolve, reject) => {
    const target = dialledAddress(address);
    if (signal?.aborted === true) throw cancelled(address, signal);
    const reading = read === undefined ? {} : { onread: into(read) };
    const socket =
      tls === undefined
        ? connectPlain({ ...target, ...reading })
        : nodeTls().connect({ ...clientTls(tls, target.host, alpn), port: target.port, ...reading });
    const settle = (error?: Error): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      if (error === undefined) resolve(socket);
      else {
        socket.destroy();
        reject(error);
      }
    };
    const abort = (): void => settle(signal && cancelled(address, signal));
    const timer = setTimeout(
      () => settle(connectionFailed(address, `no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    signal?.addEventListener("abort", abort, { once: true });
    socket.on("error", (error) => settle(connectionFailed(address, connectProblem(error), error)));
    socket.once(tls === undefined ? "connect" : "secureConnect", () => {
      // As Go does for every connection: no waiting for more to send, and dead peers are noticed.
      socket.setNoDelay(true);
      socket.setKeepAlive(true, 15_000);
      settle();
    });
  });
}

function into(read: (bytes: Buffer) => void): OnReadOpts {
  return {
    buffer: shared,
    callback(length) {
      read(shared.subarray(0, length));
      return true;
    },
  };
}

export function connectionFailed(address: string, why: string, cause?: unknown): MicroError {
  return serviceUnavailable("go.micro.client.transport", `can't connect to ${address}: ${why}`, {
    reason: "connection-failed",
    ...(cause !== undefined && { cause }),
  });
}

function dialledAddress(address: string): { host: string; port: number } {
  let host: string;
  let port: number | undefined;
  try {
    ({ host, port } = parseAddress(address));
  } catch (error) {
    throw connectionFailed(address, MicroError.from(error).detail, error);
  }
  if (port === undefined || port === 0) throw connectionFailed(address, "the address has no port");
  // Go: an empty host is this machine.
  return { host: host === "" ? "localhost" : host, port };
}

function cancelled(address: string, signal: AbortSignal): MicroError {
  return new MicroError({
    id: "go.micro.client.transport",
    code: 499,
    detail: `connecting to ${address} was cancelled`,
    reason: "cancelled",
    cause: signal.reason,
  });
}

function connectProblem(error: NodeJS.ErrnoException): string {
  // Several addresses of one name were tried: the first failure stands for all.
  const one: NodeJS.ErrnoException = error instanceof AggregateError ? (error.errors[0] ?? error) : error;
  switch (one.code) {
    case "ECONNREFUSED":
      return "connection refused, nobody listens there";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "the host's name can't be resolved";
    case "ECONNRESET":
      return "the connection was closed before it was established";
    default:
      return tlsProblem(one) ?? one.message;
  }
}
