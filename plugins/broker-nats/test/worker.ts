/**
 * A service of the queue "workers" in a process of its own, for tests that end it. It prints what its handler begins and ends
 * with; with `EXIT` it ends itself in the first handler.
 */
import { setTimeout as pause } from "node:timers/promises";
import { newService } from "ts-micro";

const { TOPIC = "", HANDLER_MS = "0", EXIT, DEAD_LETTER } = process.env;

const service = newService({ name: "workers", registry: "memory" });
service.subscribe(
  TOPIC,
  async (id: number, { attempt }) => {
    console.log(`begun ${id} ${attempt}`);
    if (EXIT !== undefined) process.exit(Number(EXIT));
    await pause(Number(HANDLER_MS));
    console.log(`ended ${id} ${attempt}`);
  },
  { queue: "workers", maxInFlight: 1_000, ...(DEAD_LETTER !== undefined && { deadLetter: DEAD_LETTER }) },
);
await service.run();
