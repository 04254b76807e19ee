import { newLogger } from "ts-micro";
import { newMemoryRegistry } from "ts-micro/registry";
import { brokerConformance } from "../../src/index.ts";
import type { MutationList } from "../mutation.ts";

const logger = newLogger({ write: () => {} });

export const mutations: MutationList<typeof import("ts-micro/broker")> = {
  entries: ["broker/index.js"],
  suite({ newMemoryBroker, newHttpBroker }) {
    brokerConformance("memory", { create: () => newMemoryBroker({ logger }), timeoutMs: 3_000 });
    const parts = { registry: newMemoryRegistry({ addresses: ["mutations-broker"], logger }) };
    brokerConformance("http", { create: () => newHttpBroker({ parts, logger }), timeoutMs: 3_000 });
  },
  mutations: [
    [
      "broker/memory.js",
      "const key = queue ?? Symbol(topic);",
      "const key = Symbol(topic);",
      "a queue is ignored",
    ],
    [
      "broker/memory.js",
      "const key = queue ?? Symbol(topic);",
      'const key = queue ?? "";',
      "no queue is one queue",
    ],
    [
      "broker/memory.js",
      "const copy = copyMessage(message);",
      "const copy = message;",
      "messages are not copied",
    ],
    ["broker/memory.js", "await delivery.stop();", "", "unsubscribe doesn't wait for handlers"],
    [
      "broker/memory.js",
      "void deliver(members, message, attempts + 1);",
      ";",
      "what an ended subscription gives back is lost",
    ],
    [
      "broker/memory.js",
      "members.find((member) => member.inHand === least)",
      "members.at(-1)",
      "one member of a queue gets everything",
    ],
    ["broker/memory.js", "??= topic", "??= ''", "the topic is missing in the header"],
    [
      "broker/memory.js",
      "receivers: (topic) => topics.get(topic)",
      "receivers: (topic) => topics.get(topic.toLowerCase())",
      "topics ignore case",
    ],
    [
      "broker/delivery.js",
      "while (running < maxInFlight)",
      "while (running <= maxInFlight)",
      "one too many in flight",
    ],
    ["broker/delivery.js", "waiting.shift()", "waiting.pop()", "the newest message is handled first"],
    ["broker/delivery.js", "running--;", "", "a finished message keeps its slot"],
    [
      "broker/handling.js",
      "if (attempts > plan.retries)",
      "if (attempts >= plan.retries)",
      "one retry too few",
    ],
    [
      "broker/handling.js",
      "if (attempts > plan.retries)",
      "if (attempts > plan.retries + 1)",
      "one retry too many",
    ],
    [
      "broker/handling.js",
      "|| plan.deadLetter !== undefined",
      "",
      "a dead letter shows what its handler changed",
    ],
    [
      "broker/handling.js",
      'verdict ??= "returned";',
      'verdict ??= "acknowledged";',
      "unacknowledged messages are lost with their subscription",
    ],
    [
      "broker/handling.js",
      "if (verdict === undefined && !ending)",
      'if ((verdict ??= "acknowledged") === "never")',
      "returning is acknowledging",
    ],
    [
      "broker/handling.js",
      "for (const end of [...waits])",
      "for (const end of [])",
      "a waiting retry holds up the end",
    ],
    [
      "broker/message.js",
      "delete letter.header[messageHeaders.topic];",
      "",
      "a dead letter keeps its old topic",
    ],
    ["broker/message.js", "String(attempts)", "String(attempts + 1)", "a dead letter counts wrongly"],
    [
      "broker/subscribe-options.js",
      "if (signal?.aborted)",
      "if (false)",
      "an aborted signal is ignored at subscribe",
    ],
    [
      "broker/subscription.js",
      'signal?.addEventListener("abort", onAbort, { once: true });',
      "",
      "a signal doesn't end a subscription",
    ],
    [
      "broker/http-fan-out.js",
      "group.version === broadcastVersion ? offerToAll",
      "true ? offerToAll",
      "every member of a queue gets a message",
    ],
    [
      "broker/http-fan-out.js",
      "group?.version === broadcastVersion && group.nodes.length > 1 ?",
      "false ?",
      "one subscriber of several gets a message",
    ],
    ["broker/outgoing.js", "rest += `", "`", "a message loses its headers between processes"],
    [
      "broker/mux-subscriber.js",
      "room.take(message);",
      "room.release();",
      "a message is confirmed and not handled",
    ],
    [
      "broker/text-message.js",
      "header[messageHeaders.topic] = topic;",
      "",
      "the topic is missing in a message of another process",
    ],
    ["broker/mux-publisher.js", "post.succeed();", "", "a publish never hears that its message was taken"],
  ],
};
