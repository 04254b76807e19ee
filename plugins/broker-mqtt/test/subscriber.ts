/** A service whose handlers finish only once it has been told to stop. Its broker is chosen by variables. */
import { once } from "node:events";
import { newService } from "ts-micro";

const service = newService({
  name: "subscriber",
  registry: "memory",
  address: "127.0.0.1:0",
  afterStart: [() => console.log("ready")],
});
await service.init();
const stopping = once(process, "SIGTERM");
const { QUEUE: queue } = process.env;

service.subscribe(
  "stop",
  async (id: number, { attempt }) => {
    console.log(`took ${id} attempt=${attempt}`);
    await stopping;
    console.log(`finished ${id}`);
  },
  { maxInFlight: 1_000, ...(queue !== undefined && { queue }) },
);

await service.run();
