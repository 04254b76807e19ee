import { createServer, type IncomingMessage, request } from "node:http";
import { Duplex } from "node:stream";

/** What Node's own strict parser (llhttp) makes of bytes. */
export interface LlhttpParsed {
  /** Those that it has read to their end. */
  messages: LlhttpMessage[];
  /** `HPE_…`, when it refused the rest; `UPGRADE`, when it may have left it to another protocol. */
  refused: string | undefined;
}

export interface LlhttpMessage {
  method: string;
  status: number;
  /** As latin1. */
  body: string;
}

const options = { insecureHTTPParser: false, maxHeaderSize: 1 << 20, requireHostHeader: false };

/** As a server reads requests: one after the other until the end. */
export async function llhttpRequests(bytes: Buffer): Promise<LlhttpParsed> {
  const incomings: Promise<LlhttpMessage | undefined>[] = [];
  let refused: string | undefined;
  const server = createServer(options);
  const onRequest = (incoming: IncomingMessage): void => {
    incomings.push(read(incoming));
    // Node drops what follows in the same chunk, also when nobody takes the upgrade up.
    if (asksForUpgrade(incoming)) refused ??= "UPGRADE";
  };
  server.on("request", onRequest).on("checkContinue", onRequest).on("checkExpectation", onRequest);
  server.on("clientError", (error: NodeJS.ErrnoException, connection) => {
    refused ??= error.code ?? error.message;
    connection.destroy();
  });
  const connection = peer(bytes);
  server.emit("connection", connection);
  await settled(connection);
  connection.destroy();
  return { messages: await complete(incomings), refused };
}

/** As a client reads the answer to one request, the first one that is not informational. */
export async function llhttpResponse(bytes: Buffer): Promise<LlhttpParsed> {
  const incomings: Promise<LlhttpMessage | undefined>[] = [];
  let refused: string | undefined;
  const connection = peer(bytes);
  const outgoing = request({ ...options, method: "POST", createConnection: () => connection });
  outgoing.on("response", (incoming) => incomings.push(read(incoming)));
  outgoing.on("error", (error: NodeJS.ErrnoException) => {
    refused ??= error.code ?? error.message;
  });
  outgoing.end();
  await settled(connection);
  outgoing.destroy();
  return { messages: await complete(incomings), refused };
}

function asksForUpgrade({ headers }: IncomingMessage): boolean {
  return headers.upgrade !== undefined && /\bupgrade\b/i.test(headers.connection ?? "");
}

/** A connection whose other end has sent these bytes and no more, and doesn't mind what it gets. */
function peer(bytes: Buffer): Duplex {
  return new Duplex({
    allowHalfOpen: true,
    read() {
      this.push(bytes);
      this.push(null);
    },
    write(_chunk, _encoding, done) {
      done();
    },
  });
}

/** `undefined` for one that was cut off. */
async function read(incoming: IncomingMessage): Promise<LlhttpMessage | undefined> {
  const chunks: Buffer[] = [];
  incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
  await new Promise((resolve) => incoming.on("close", resolve).on("end", resolve).on("error", resolve));
  if (!incoming.complete) return undefined;
  const { method = "", statusCode = 0 } = incoming;
  return { method, status: statusCode, body: Buffer.concat(chunks).toString("latin1") };
}

async function complete(incomings: Promise<LlhttpMessage | undefined>[]): Promise<LlhttpMessage[]> {
  return (await Promise.all(incomings)).filter((message) => message !== undefined);
}

/** All bytes were read, or the reader has given up. */
async function settled(connection: Duplex): Promise<void> {
  await new Promise((resolve) => connection.once("end", resolve).once("close", resolve));
  for (let turns = 0; turns < 3; turns++) await new Promise((resolve) => setImmediate(resolve));
}
