import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type Answer, decode, encode } from "dns-packet";

export interface DnsServer extends AsyncDisposable {
  /** Its `host:port`. */
  readonly address: string;
  /** Name → its records. A name that isn't there is NXDOMAIN. */
  readonly zone: Map<string, Answer[]>;
}

/** Answers over UDP on a free port, until it is disposed of. */
export async function startDnsServer(): Promise<DnsServer> {
  const zone = new Map<string, Answer[]>();
  const socket = createSocket("udp4");
  socket.on("message", (bytes, { port, address }) => {
    const { id = 0, questions = [] } = decode(bytes);
    const [question] = questions;
    if (question === undefined) return;
    const answers = (zone.get(question.name) ?? []).filter(({ type }) => type === question.type);
    const flags = zone.has(question.name) ? 0 : 3;
    socket.send(encode({ type: "response", id, flags, questions, answers }), port, address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return {
    address: `127.0.0.1:${socket.address().port}`,
    zone,
    async [Symbol.asyncDispose]() {
      socket.close();
    },
  };
}
