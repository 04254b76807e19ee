import { randomUUID } from "node:crypto";
import { type Context, type MessageType, newLogger } from "ts-micro";
import { newMemoryRegistry } from "ts-micro/registry";
import { newHandler, type Server } from "ts-micro/server";
import { type BrpcServerOptions, brpcCall, brpcError, newServer } from "../src/index.ts";

export interface Echo {
  message: string;
}

/**
 * `message EchoRequest { required string message = 1; }`, as `example/echo_c++` of bRPC has it, and its twin
 * EchoResponse. Short messages only.
 */
function echoType(typeName: string): MessageType<Echo> {
  return {
    typeName,
    encode({ message }) {
      const text = Buffer.from(message);
      return Buffer.concat([Buffer.from([0x0a, text.length]), text]);
    },
    decode(bytes) {
      if (bytes[0] !== 0x0a || bytes[1] !== bytes.length - 2) throw new Error("this is no Echo message");
      return { message: Buffer.from(bytes.subarray(2)).toString() };
    },
  };
}

export const echoRequest = echoType("example.EchoRequest");
export const echoResponse = echoType("example.EchoResponse");

const types = { requestType: echoRequest as MessageType, responseType: echoResponse as MessageType };

/** The service of `fixtures/brpc-frames.json`: it echoes message, attachment and user fields. */
export function echo(request: Echo, context: Context): Echo | Promise<Echo> {
  const call = brpcCall(context);
  if (call !== undefined) {
    call.response.attachment = call.attachment;
    for (const [key, value] of call.userFields) call.response.userFields.set(key, `${value}!`);
  }
  if (request.message === "fail") throw brpcError(2001, "handler says no");
  if (request.message === "hang") return new Promise(() => {});
  return request;
}

/** Started, on a free port. Whatever it logs goes to `logged`. */
export async function echoServer(options: BrpcServerOptions = {}, logged: string[] = []): Promise<Server> {
  const server = newServer({
    name: "echo",
    address: "127.0.0.1:0",
    drain: { propagationMs: 0, budgetMs: 1_000 },
    logger: newLogger({ level: "debug", write: (line) => logged.push(line) }),
    parts: { registry: newMemoryRegistry({ addresses: [randomUUID()] }) },
    ...options,
  });
  server.handle(
    newHandler(
      "EchoService",
      { Echo: echo, Json: (request: unknown, context: Context) => echo(request as Echo, context) },
      { endpoints: { Echo: types } },
    ),
  );
  await server.start();
  return server;
}
