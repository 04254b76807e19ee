import { CallContext, newLogger } from "ts-micro";
import { type ClientWire, newClientOver, type WireCalls } from "ts-micro/client";
import { newMemoryRegistry } from "ts-micro/registry";
import { isPromiseLike, newHandler, newRouter } from "ts-micro/server";
import { type Answer, answerTo, type Contender, type Question } from "../contender.ts";

const router = newRouter({ name: "bench", logger: newLogger({ level: "error" }) });
router.add(newHandler("Bench", { Hello: (question: Question) => answerTo(question) }));

const peer = { address: "here:1" };

/** The answer is the handler's result; nothing is encoded. Caller and handler have one clock, and so one deadline. */
const send: NonNullable<WireCalls["send"]> = ({ request, remainingMs, limit }, outcome) => {
  const { service, endpoint, body } = request;
  const context = new CallContext({ timeoutMs: remainingMs, begunAt: limit.deadline - remainingMs, peer });
  const call = { service, endpoint, contentType: "", streaming: false, body };
  const result = router.find(endpoint).invoke(call, context);
  if (!isPromiseLike(result)) outcome.succeed(result);
  else
    result.then(
      (value) => outcome.succeed(value),
      (thrown) => outcome.fail(thrown),
    );
};

const inProcess: ClientWire = {
  name: "local",
  protocol: "local",
  open: () => ({
    call: (attempt) => new Promise((succeed, fail) => send(attempt, { succeed, fail })),
    send,
    close() {},
  }),
};

/** The whole path of a client (selection, deadline, retries) and of a router, without a wire between them. */
export const local: Contender = {
  serve: async () => ({ address: "here:1", close: async () => {} }),

  async connect(address) {
    const registry = newMemoryRegistry({ addresses: ["bench-local"] });
    const node = { id: "bench-1", address, metadata: { protocol: "local" } };
    await registry.register({ name: "bench", version: "1", metadata: {}, endpoints: [], nodes: [node] });
    const client = newClientOver(inProcess, { parts: { registry } });
    return {
      call: (body) => client.call<Answer>({ service: "bench", endpoint: "Bench.Hello", body }),
      close: () => client.close(),
    };
  },
};
