import { type Answer, answerTo, type Contender, type Question } from "../contender.ts";
import { coalesced, connectTcp, serveTcp } from "./tcp.ts";

/**
 * The limit of one TCP connection: frames of bytes behind a 4-byte length, echoed as they came, one write per
 * turn. Nothing is read from the bytes: the caller checks their length, and knows the answer by itself.
 */
export const bareEcho: Contender = {
  serve: () => serveTcp((socket) => socket.on("data", (chunk) => socket.write(chunk))),

  async connect(address) {
    const socket = await connectTcp(address);
    const pending: { length: number; answer: Answer; resolve: (answer: Answer) => void }[] = [];
    const write = coalesced<Buffer>((frames) => socket.write(Buffer.concat(frames)));
    const frames = new Map<Question, { frame: Buffer; answer: Answer }>();
    let rest: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const answered = [];
      let at = 0;
      while (bytes.length - at >= 4) {
        const length = 4 + bytes.readUInt32BE(at);
        if (at + length > bytes.length) break;
        answered.push(length);
        at += length;
      }
      rest = bytes.subarray(at);
      const calls = pending.splice(0, answered.length);
      for (const [index, { length, answer, resolve }] of calls.entries()) {
        if (answered[index] !== length) throw new Error(`wrong echo: ${answered[index]} bytes of ${length}`);
        resolve(answer);
      }
    });
    return {
      call(question) {
        let known = frames.get(question);
        if (known === undefined) {
          known = { frame: frameOf(question), answer: answerTo(question) };
          frames.set(question, known);
        }
        const { frame, answer } = known;
        return new Promise((resolve) => {
          pending.push({ length: frame.length, answer, resolve });
          write(frame);
        });
      },
      async close() {
        socket.destroy();
      },
    };
  },
};

function frameOf(question: Question): Buffer {
  const body = Buffer.from(JSON.stringify(question));
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  return Buffer.concat([head, body]);
}

/**
 * The limit of a call that carries JSON: a line of JSON each way, a promise per call, one write per turn. No names,
 * no errors, no deadlines.
 */
export const jsonFloor: Contender = {
  serve: () =>
    serveTcp((socket) => {
      const write = coalesced<string>((lines) => socket.write(lines.join("")));
      readLines<Question>(socket, (id, question) => write(line(id, answerTo(question))));
    }),

  async connect(address) {
    const socket = await connectTcp(address);
    const pending = new Map<number, { resolve(answer: Answer): void; reject(error: Error): void }>();
    const write = coalesced<string>((lines) => socket.write(lines.join("")));
    let ids = 0;
    readLines<Answer>(socket, (id, answer) => {
      pending.get(id)?.resolve(answer);
      pending.delete(id);
    });
    socket.once("close", () => {
      for (const { reject } of pending.values()) reject(new Error(`${address} has closed the connection`));
    });
    return {
      call: (question) =>
        new Promise((resolve, reject) => {
          const id = ++ids;
          pending.set(id, { resolve, reject });
          write(line(id, question));
        }),
      async close() {
        socket.destroy();
      },
    };
  },
};

function line(id: number, body: Question | Answer): string {
  return `${JSON.stringify({ id, body })}\n`;
}

function readLines<T>(socket: NodeJS.ReadableStream, take: (id: number, body: T) => void): void {
  let rest = "";
  socket.setEncoding("utf8");
  socket.on("data", (chunk: string) => {
    const text = rest + chunk;
    let from = 0;
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", from)) {
      const { id, body } = JSON.parse(text.slice(from, end));
      from = end + 1;
      take(id, body);
    }
    rest = text.slice(from);
  });
}
