import { randomUUID } from "node:crypto";
import { after } from "node:test";
import { fuzzTest, mutated, pieces, type Random, sendTo, startStrangeServer } from "@ts-micro/fuzz";
import { newHttpBroker } from "../../src/broker/http.ts";
import { newLogger } from "../../src/logger.ts";
import { newMemoryRegistry } from "../../src/registry/memory.ts";

const logger = newLogger({ write: () => {} });
const registry = newMemoryRegistry({ addresses: [randomUUID()], logger });
after(() => registry.close());
const broker = newHttpBroker({ parts: { registry }, logger });
await broker.connect();
after(() => broker.disconnect());
/** Has little patience with those who don't answer. */
const hasty = newHttpBroker({ parts: { registry }, logger, timeoutMs: 200 });
await hasty.connect();
after(() => hasty.disconnect());

let heard = (_body: string): void => {};
await broker.subscribe("t", ({ message }) => heard(String(message.body)));
const [record] = await registry.getService("micro.http.broker");
const subscription = record?.nodes[0]?.id ?? "";

const words = ["m0 - - x\n", " *5\n", "x1\n", "k\n", "h0 {}\n", '{"A":1}', "{}", "[]", "\n", " ", "{"];

/** What a publisher might send, and then what it might not. */
function publisherBytes(random: Random): Buffer {
  const head = `h0 {"service":"micro.http.broker","endpoint":"${random.of([subscription, "nobody"])}"}\n`;
  const frames = Array.from({ length: 1 + random.length(10) }, (_, at) =>
    random.of([`m0 7 {"A":"b"} *3\nabc`, "m0 - - text\n", `x${at}\n`, "k\n", "p\n"]),
  );
  const bytes = Buffer.from(`${head}${frames.join("")}`);
  return Buffer.concat([Buffer.from("ts-micro-mux/1\n"), mutated(random, bytes, words)]);
}

fuzzTest("a subscriber outlives whatever a publisher sends", { rounds: 60 }, async (random) => {
  await sendTo(broker.address, pieces(random, publisherBytes(random)));
  await isThere();
});

fuzzTest("a publisher outlives whatever a subscriber answers", { rounds: 60 }, async (random) => {
  const answers = Buffer.from(
    `ts-micro-mux/1\nt1 1\ne1 {"id":"x","code":${random.below(600)}}\nt1 2\ng\np\n${random.text(20, 'teg123 {"}\n')}`,
  );
  await using strange = await startStrangeServer(
    () => pieces(random, mutated(random, answers, words)),
    () => random.once(2),
  );
  const metadata = { broker: "http", secure: "false", topic: "strange", protocols: "http,mux" };
  const node = { id: strange.address, address: strange.address, metadata };
  const service = { name: "micro.http.broker", version: "q", metadata: {}, endpoints: [], nodes: [node] };
  await registry.register(service);
  await hasty.publish("strange", { header: {}, body: Buffer.from("x") }).catch(() => {});
  await registry.deregister(service);
  await isThere();
});

/** A message of a well-behaved publisher arrives. */
async function isThere(): Promise<void> {
  const text = randomUUID();
  const arrived = new Promise<void>((resolve) => {
    heard = (body) => {
      if (body === text) resolve();
    };
  });
  await broker.publish("t", { header: {}, body: Buffer.from(text) });
  await arrived;
}
