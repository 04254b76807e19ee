/** The program of `startRetryWorker`. The broker is chosen by variables. */
import { newService } from "ts-micro";

const [topic = "", queue = ""] = process.argv.slice(2);
const service = newService({
  name: "retry-worker",
  registry: "memory",
  argv: [],
  address: "127.0.0.1:0",
  afterStart: [() => console.log("ready")],
});
await service.init();

service.subscribe(
  topic,
  () => {
    console.log("attempt");
    throw new Error("always");
  },
  { queue, retry: { retries: 1_000_000, backoffMs: 100, maxBackoffMs: 500 } },
);

await service.run();
