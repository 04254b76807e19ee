/**
 * A TCP or TLS port that several wire protocols share, told apart by the first bytes a client sends.
 */
import { createServer as createPlain, type Server, type Socket } from "node:net";
import { joinAddress, parseListenAddress } from "../address.ts";
import { MicroError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { TlsOptions } from "../parts.ts";
import { isTlsSocket, nodeTls, serverTls } from "../tls.ts";
import type { Listener, Protocol } from "./transport.ts";

export interface ListenTcpOptions {
  tls?: TlsOptions | undefined;
  /** Asked in this order for each connection. A single one is given every connection at once, unasked. */
  protocols: readonly Protocol[];
  /** Time for a client to send enough to be recognised, and for the TLS handshake, in milliseconds. */
  headTimeoutMs: number;
  logger: Logger;
}

/**
 * Listens on `host:port`, `:0`, or the first free port of `host:min-max`.
 * @throws MicroError 500 naming the address and what to do.
 */
export async function listenTcp(address: string, options: ListenTcpOptions): Promise<Listener> {
  const { host, minPort, maxPort } = parsed(address);
  const server = newServer(address, options);
  /** Connections that nobody has yet, and what gives one to the protocol that is last in the list. */
  const recognising = new Map<Socket, () => void>();
  server.on(options.tls === undefined ? "connection" : "secureConnection", (connection: Socket) => {
    connection.setNoDelay(true);
    connection.setKeepAlive(true, 15_000);
    // Whoever takes the connection over adds a listener of its own; until then a failure is nobody's business.
    connection.on("error", () => {});
    dispatch(connection, options, recognising);
  });
  server.on("tlsClientError", (error: Error, connection: Socket) => {
    const remote = joinAddress(connection.remoteAddress ?? "", connection.remotePort);
    options.logger.debug(`TLS handshake failed: ${error.message}`, { remote });
    connection.destroy();
  });

  for (let port = minPort; ; port++) {
    try {
      await bind(server, host, port);
      break;
    } catch (error) {
      if (isErrno(error) && error.code === "EADDRINUSE" && port < maxPort) continue;
      throw cannotListen(address, listenProblem(error, minPort !== maxPort), error);
    }
  }
  // From here on the server fails only for single connections, such as for want of file descriptors.
  server.on("error", (error) => options.logger.warn(`accepting failed: ${error.message}`, { address }));
  const bound = server.address();
  let accepted = 0;
  server.on("connection", () => accepted++);
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= stop();
    return closing;
  };
  const stop = async (): Promise<void> => {
    await quiet(() => accepted);
    server.close();
    // Whoever has said nothing so far learns from somebody that the server leaves.
    for (const giveToLast of [...recognising.values()]) giveToLast();
  };
  return {
    address: typeof bound === "object" && bound !== null ? joinAddress(bound.address, bound.port) : address,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** How long connections may go on to arrive before listening ends all the same, in milliseconds. */
const longestArrivalMs = 10_000;

/**
 * Resolves when no connection waits to be accepted: Node accepts one in each turn of its loop, and the system
 * resets those that are left when listening ends, with the requests that their clients have sent already.
 */
async function quiet(accepted: () => number): Promise<void> {
  const latest = performance.now() + longestArrivalMs;
  // What is left of the present turn accepts nothing.
  await turn();
  for (let before = -1; before !== accepted() && performance.now() < latest; ) {
    before = accepted();
    await turn();
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function newServer(address: string, options: ListenTcpOptions): Server {
  if (options.tls === undefined) return createPlain();
  const alpn = options.protocols.flatMap((protocol) => protocol.alpn ?? []);
  const settings = { ...serverTls(options.tls, address, alpn), handshakeTimeout: options.headTimeoutMs };
  return nodeTls().createServer(settings);
}

/**
 * Finds out which protocol a connection speaks and hands it over with all its bytes unread. While it does, the
 * connection is in `recognising`, with what gives it to the protocol that is last in the list. Somebody listens
 * for its errors already.
 */
export function dispatch(
  connection: Socket,
  options: Pick<ListenTcpOptions, "protocols" | "headTimeoutMs">,
  recognising: Map<Socket, () => void>,
): void {
  const candidates = withAlpn(connection, options.protocols);
  const [only] = candidates;
  if (only !== undefined && candidates.length === 1) {
    only.serve(connection);
    return;
  }
  let firstBytes: Buffer = Buffer.alloc(0);
  const timer = setTimeout(() => connection.destroy(), options.headTimeoutMs);
  timer.unref();
  const giveUp = (): void => connection.destroySoon();
  const finish = (): void => {
    clearTimeout(timer);
    recognising.delete(connection);
    connection.off("readable", look).off("end", giveUp).off("close", finish);
  };
  // `readable` rather than `data`: a stream that was never flowing is handed over in its first state.
  const look = (): void => {
    const bytes: Buffer | null = connection.read();
    if (bytes === null) return;
    firstBytes = firstBytes.length === 0 ? bytes : Buffer.concat([firstBytes, bytes]);
    const found = recognise(candidates, firstBytes);
    if (found === "undecided") return;
    give(found);
  };
  const give = (protocol: Protocol | undefined): void => {
    finish();
    if (protocol === undefined) {
      connection.destroy();
      return;
    }
    if (firstBytes.length > 0) connection.unshift(firstBytes);
    // Node settles the removal of a `readable` listener in the next tick, and resumes a paused stream by it.
    process.nextTick(() => {
      if (!connection.destroyed) protocol.serve(connection);
    });
  };
  recognising.set(connection, () => give(candidates.at(-1)));
  connection.on("readable", look).on("end", giveUp).on("close", finish);
}

/** The first protocol that claims the bytes. One that can't tell yet holds up those behind it. */
function recognise(candidates: readonly Protocol[], bytes: Buffer): Protocol | "undecided" | undefined {
  for (const protocol of candidates) {
    const mine = protocol.matches(bytes);
    if (mine === undefined) return "undecided";
    if (mine) return protocol;
  }
  return undefined;
}

/** The protocols that fit what ALPN has agreed on; all when it was not used. */
function withAlpn(connection: Socket, protocols: readonly Protocol[]): readonly Protocol[] {
  const agreed = isTlsSocket(connection) ? connection.alpnProtocol : false;
  if (typeof agreed !== "string") return protocols;
  return protocols.filter(({ alpn = [] }) => alpn.length === 0 || alpn.includes(agreed));
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      server.off("listening", succeeded);
      reject(error);
    };
    const succeeded = (): void => {
      server.off("error", failed);
      resolve();
    };
    server.once("error", failed);
    server.once("listening", succeeded);
    server.listen(host === "" ? { port } : { host, port });
  });
}

function parsed(address: string) {
  try {
    return parseListenAddress(address);
  } catch (error) {
    throw cannotListen(address, MicroError.from(error).detail, error);
  }
}

function listenProblem(error: unknown, range: boolean): string {
  switch (isErrno(error) ? error.code : undefined) {
    case "EADDRINUSE":
      return range
        ? "every port of the range is in use"
        : "the address is in use; stop who uses it, or listen on port 0 for any free port";
    case "EACCES":
      return "no permission; ports below 1024 need privileges, choose a higher one";
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return "the host is not an address of this machine";
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

function cannotListen(address: string, why: string, cause: unknown): MicroError {
  return new MicroError({
    id: "go.micro.transport",
    code: 500,
    detail: `can't listen on ${address}: ${why}`,
    cause,
  });
}

function isErrno(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error;
}
