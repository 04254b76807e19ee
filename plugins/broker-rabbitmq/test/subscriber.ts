/** A service whose handlers finish only once it has been told to stop. Its broker is chosen by variables. */
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { newService } from "ts-micro";

const service = newService({
  name: "subscriber",
  registry: "memory",
  address: "127.0.0.1:0",
  afterStart: [() => console.log("ready")],
});
await service.init();
const stopping = once(process, "SIGTERM");

service.subscribe(
  "sigterm",
  async (id: number) => {
    console.log(`took ${id}`);
    await stopping;
    // Long enough for whatever wrongly starts meanwhile.
    await pause(500);
    console.log(`finished ${id}`);
  },
  { queue: "q", maxInFlight: 1_000 },
);

await service.run();
