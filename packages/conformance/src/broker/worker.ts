import { setTimeout as pause } from "node:timers/promises";
import { newService } from "ts-micro";
import { newMemoryRegistry } from "ts-micro/registry";

/**
 * The program of `startBrokerWorker`: a service that subscribes, and whose handlers end only when it is told to stop.
 * Everything else comes from the variables.
 */
const [topic = "", queue = "", maxInFlight = "1"] = process.argv.slice(2);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

let stop = (): void => {};
const stopping = new Promise<void>((resolve) => {
  stop = resolve;
});
// Later than the service, which has begun to stop by then.
process.once("SIGTERM", () => void pause(300).then(stop));

const service = newService({
  name: `worker-${process.pid}`,
  registry: newMemoryRegistry(),
  argv: [],
  address: "127.0.0.1:0",
  drain: { propagationMs: 0, budgetMs: 60_000 },
  afterStart: [() => say("ready")],
});

service.subscribe(
  topic,
  async (id: number) => {
    say(`begun ${id}`);
    await stopping;
    say(`done ${id}`);
  },
  { queue, maxInFlight: Number(maxInFlight) },
);

await service.run();
