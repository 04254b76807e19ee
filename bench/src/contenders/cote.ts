import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { type Answer, answerTo, type Contender, type Question } from "../contender.ts";

/** As much as is used of a package without types. */
interface Cote {
  Responder: new (advertisement: Advertisement, discovery: Discovery) => Responder;
  Requester: new (advertisement: Advertisement, discovery: Discovery) => Requester;
}
interface Advertisement {
  name: string;
  key: string;
}
interface Discovery {
  log: boolean;
  multicast: string;
}
interface Responder {
  on(type: string, listener: (request: Question) => Promise<Answer>): void;
  close(): void;
}
interface Requester {
  once(event: "cote:added", listener: () => void): void;
  send(request: Question & { type: string }): Promise<Answer>;
  close(): void;
}

const cote: Cote = createRequire(import.meta.url)("cote");
const discovery: Discovery = { log: false, multicast: "239.1.11.111" };

/** JSON over TCP. The two find each other as they do in production, by a key. */
export const coteTcp: Contender = {
  async serve() {
    const key = randomUUID();
    const responder = new cote.Responder({ name: "bench", key }, discovery);
    responder.on("hello", async (question) => answerTo(question));
    return { address: key, close: async () => responder.close() };
  },

  async connect(key) {
    const requester = new cote.Requester({ name: "caller", key }, discovery);
    await new Promise<void>((resolve) => requester.once("cote:added", resolve));
    return {
      call: (question) => requester.send({ type: "hello", ...question }),
      close: async () => requester.close(),
    };
  },
};
