import { newService } from "ts-micro";
import { newMemoryBroker } from "ts-micro/broker";
import { init } from "ts-micro/plugin";
import { Plugin } from "./loud-broker.ts";

// A plugin that is imported like any module, and so is part of the program's own versions.
init(Plugin);

const services = {
  "a part": newService({ name: "one", broker: newMemoryBroker({ addresses: ["hub-one"] }) }),
  "a name": newService({
    name: "two",
    broker: "memory",
    partOptions: { broker: { addresses: ["hub-two"] } },
  }),
  "a plugin's name": newService({ name: "three", broker: "loud" }),
};

for (const [way, service] of Object.entries(services)) {
  await service.run(async () => {
    const { broker } = service;
    await broker.connect();
    await broker.subscribe("news", ({ topic }) => console.log(`${way}: ${broker.name} brings ${topic}`));
    await service.publish("news", { text: "hello" });
  });
}
