import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { joinAddress, type ListenAddress, parseListenAddress } from "../address.ts";
import { internalServerError, MicroError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { alpn } from "../mux/link.ts";
import type { TlsOptions } from "../parts.ts";
import { serverTls } from "../tls.ts";
import { dispatch } from "../transport/listener.ts";
import type { Protocol } from "../transport/transport.ts";
import type { Message } from "./broker.ts";
import type { Delivery, Room } from "./delivery.ts";
import { decodeEnvelope, topicOf } from "./envelope.ts";
import { brokerErrorId } from "./failures.ts";
import { newMuxReceiver } from "./mux-receiver.ts";

export interface Receiver {
  /** The bound `host:port`. */
  readonly address: string;
  /** Stops listening and closes every connection. */
  close(): Promise<void>;
}

export interface ReceiverSetup {
  /** `host:port`, or `host:min-max`. */
  listen: string;
  tls: TlsOptions | undefined;
  /** Take messages by mux on the same port. */
  mux: boolean;
  maxMessageBytes: number;
  /** How long a request is held while its subscription is busy, in milliseconds. */
  holdMs: number;
  logger: Logger;
  find(id: string): { topic: string; delivery: Delivery } | undefined;
}

/**
 * Requests that one connection may send before it has its answers. Node reads on while answers are not ready, so
 * this bounds what a peer can make us hold; publishers, Go's included, send one after the other.
 */
const maxPipelined = 16;

/** How long a connection may say nothing before it is closed, in milliseconds. */
const headTimeoutMs = 10_000;

/**
 * The HTTP server that takes messages for the subscriptions of one broker, as go-micro's does
 * (`broker/http.go`, ServeHTTP). From our own publishers, on the same port, it takes them by mux.
 *
 * A message counts as taken when 200 has left: only then its handler starts. A publisher whose connection breaks
 * before it has read that can't know, and offers the message to nobody else. Unlike go-micro, which
 * answers 200 to everything, an unknown subscription is a 404 and a busy one a 503; go-micro's publishers
 * look at neither.
 */
export async function startReceiver(setup: ReceiverSetup): Promise<Receiver> {
  const { logger, tls } = setup;
  /** Requests that wait for their answers. */
  const waiting = new WeakMap<Socket, number>();
  const server = newServer(setup, (request, response) => {
    const { socket } = request;
    const count = (waiting.get(socket) ?? 0) + 1;
    if (count > maxPipelined) {
      logger.warn(`${socket.remoteAddress} sends without waiting for answers and is cut off`);
      socket.destroy();
      return;
    }
    waiting.set(socket, count);
    response.once("close", () => waiting.set(socket, (waiting.get(socket) ?? 1) - 1));
    receive(setup, request, response).catch((thrown: unknown) => {
      logger.debug(`a request ended early: ${String(thrown)}`);
      response.destroy();
    });
  });
  const guest = setup.mux ? newMuxReceiver(setup) : undefined;
  const unrecognised = new Map<Socket, () => void>();
  if (guest !== undefined)
    share(server, tls === undefined ? "connection" : "secureConnection", guest.protocol, unrecognised);
  const address = await listen(server, setup.listen);
  server.on("error", (error) => logger.warn(`http server: ${error.message}`));
  logger.debug(`listening on ${address}`, { tls: tls !== undefined });
  return {
    address,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      for (const connection of unrecognised.keys()) connection.destroy();
      await guest?.close();
      await closed;
    },
  };
}

/** Offers each connection to another protocol before it is given to the HTTP server whose port it is. */
function share(
  server: Server,
  event: "connection" | "secureConnection",
  guest: Protocol,
  unrecognised: Map<Socket, () => void>,
): void {
  const own = server.listeners(event);
  const http: Protocol = {
    name: "http",
    matches: () => true,
    serve(connection) {
      for (const listener of own) listener.call(server, connection);
    },
  };
  server.removeAllListeners(event);
  server.on(event, (connection: Socket) => {
    // Whoever takes the connection over adds a listener of its own; until then a failure is nobody's business.
    connection.on("error", () => {});
    dispatch(connection, { protocols: [guest, http], headTimeoutMs }, unrecognised);
  });
}

function newServer({ listen, tls, mux }: ReceiverSetup, handle: RequestListener): Server {
  // Go's publishers keep idle connections for as long as we do, and notice when one was closed.
  const limits = {
    headersTimeout: headTimeoutMs,
    requestTimeout: 30_000,
    keepAliveTimeout: 120_000,
    maxHeaderSize: 16 * 1024,
  };
  if (tls === undefined) return createServer(limits, handle);
  return createTlsServer(
    { ...limits, ...serverTls(tls, listen, mux ? [...alpn, "http/1.1"] : ["http/1.1"]) },
    handle,
  );
}

async function listen(server: Server, address: string): Promise<string> {
  const { host, minPort, maxPort }: ListenAddress = parseListenAddress(address);
  for (let port = minPort; ; port++) {
    try {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen({ port, ...(host !== "" && { host }) }, () => {
          server.off("error", reject);
          resolve();
        });
      });
    } catch (thrown) {
      const { code, message } = thrown as NodeJS.ErrnoException;
      if (code === "EADDRINUSE" && port < maxPort) continue;
      const detail = `broker http can't listen on ${address}: ${message}; choose another address by --broker_address`;
      throw internalServerError(brokerErrorId, detail, { cause: thrown });
    }
    const bound = server.address() as AddressInfo;
    return joinAddress(bound.address, bound.port);
  }
}

async function receive(
  { find, maxMessageBytes, holdMs }: ReceiverSetup,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== "POST") return refuse(response, 405, 400, "Method not allowed");
  // Base64 makes 4 bytes of 3; the rest is room for the header.
  const limit = Math.ceil(maxMessageBytes / 3) * 4 + 64 * 1024;
  const bytes = await readAll(request, limit);
  if (bytes === undefined)
    return refuse(response, 413, 413, `the message is larger than ${maxMessageBytes} bytes`);
  let message: Message;
  try {
    message = decodeEnvelope(bytes);
  } catch (thrown) {
    return refuse(response, 500, 500, `Error parsing request body: ${(thrown as Error).message}`);
  }
  const topic = topicOf(message) ?? "";
  if (topic === "") return refuse(response, 500, 500, "Topic not found");
  const id = subscriptionId(request.url ?? "");
  const subscription = find(id);
  if (subscription === undefined || subscription.topic !== topic) {
    return refuse(response, 404, 404, `no subscription ${JSON.stringify(id)} to ${JSON.stringify(topic)}`);
  }
  const { delivery } = subscription;
  const room = delivery.tryRoom() ?? (await roomWithin(delivery, holdMs, response));
  if (room !== undefined) answer(response, room, message);
  else if (!response.destroyed) refuse(response, 503, 503, "the subscription is busy or ending");
}

/** The message is the handler's as soon as the answer has been handed to the system, and not before. */
function answer(response: ServerResponse, room: Room, message: Message): void {
  if (response.destroyed || response.socket?.destroyed !== false) {
    room.release();
    return;
  }
  let taken = false;
  response.once("finish", () => {
    taken = true;
    room.take({ message });
  });
  response.once("close", () => {
    if (!taken) room.release();
  });
  response.writeHead(200, { "Content-Length": 0 }).end();
}

/** Waits for room, but not for longer than the publisher waits. */
async function roomWithin(
  delivery: Delivery,
  ms: number,
  response: ServerResponse,
): Promise<Room | undefined> {
  const givenUp = new AbortController();
  const giveUp = (): void => givenUp.abort();
  const timer = setTimeout(giveUp, ms);
  response.once("close", giveUp);
  const room = await delivery.room(givenUp.signal);
  clearTimeout(timer);
  return room;
}

function refuse(response: ServerResponse, status: number, code: number, detail: string): void {
  const error = new MicroError({ id: brokerErrorId, code, detail });
  // What is left of the request is not read, so the connection can't carry another one.
  const headers = { "Content-Type": "text/plain; charset=utf-8", Connection: "close" };
  response.writeHead(status, status === 405 ? { ...headers, Allow: "POST" } : headers);
  response.end(`${JSON.stringify(error)}\n`);
}

async function readAll(request: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  if (Number(request.headers["content-length"] ?? 0) > limit) return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

function subscriptionId(url: string): string {
  const query = url.indexOf("?");
  return query === -1 ? "" : (new URLSearchParams(url.slice(query)).get("id") ?? "");
}
