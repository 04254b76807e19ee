import { mucpPair, type PairExports } from "../mucp-pair.ts";
import type { MutationList } from "../mutation.ts";

export const mutations: MutationList<PairExports> = {
  ...mucpPair,
  mutations: [
    ["server/request.js", "Number(timeout) / 1e6", "Number(timeout) / 1e3", "a deadline has the wrong unit"],
    [
      "server/connection.js",
      "pending.context?.cancel(reason);",
      "",
      "a handler isn't told that its caller left",
    ],
    [
      "server/connection.js",
      "if (this.#pending.length > 0 || this.#sessions.size > 0)",
      "if (this.#sessions.size > 0)",
      "stopping cuts off calls",
    ],
    ["server/connection.js", "this.#crowded.size > 0 ||", "", "a slow handler keeps everything in memory"],
    ["server/connection.js", "void session.run();", 'session.abort(new Error("no"));', "streams don't run"],
    ["server/session.js", "await this.#host.drained();", "", "a handler doesn't wait for its reader"],
    ["server/session.js", "this.#inbox.end();", "", "a handler waits for requests after their end"],
    [
      "server/session.js",
      "streamEnd(head, this.stream, failure)",
      "streamEnd(head, this.stream)",
      "the error of a stream is lost",
    ],
    [
      "server/session.js",
      "this.#gone = true;\n        this.#fail(reason);",
      "this.#gone = true;",
      "the handler of a stream isn't told that its caller left",
    ],
    [
      "inbox.js",
      "const item = this.#items.shift();",
      "const item = this.#items.pop();",
      "requests are read in the wrong order",
    ],
    [
      "server/router.js",
      "if (known !== undefined) {",
      "if (known === null) {",
      "a handler's error becomes a 500",
    ],
    [
      "server/router.js",
      "return internalServerError(name, text, { cause: thrown });",
      'return internalServerError("go.micro.server", text, { cause: thrown });',
      "a failure has another's id",
    ],
    ["server/router.js", "reduceRight", "reduce", "the last wrapper is the outermost"],
    ["server/response.js", 'if (text === "")', "if (text === null)", "an error without a text is a success"],
    [
      "server/lifecycle.js",
      "if (!handler.internal)",
      "if (handler.internal)",
      "a handler that comes late isn't registered",
    ],
    [
      "server/lifecycle.js",
      "await within(registration.stop(), drain.budgetMs);",
      "",
      "a server that stops stays registered",
    ],
    [
      "server/lifecycle.js",
      "await within(Promise.resolve(listening?.destroy(reason)), releaseMs);",
      "",
      "what outlasts the drain is not cut off",
    ],
    [
      "server/subscriber.js",
      "if (!open)",
      "if (entry !== undefined)",
      "a subscriber that comes late hears nothing",
    ],
  ],
};
