import { describe } from "node:test";
import { newBroker } from "@ts-micro/broker-redis";
import { brokerConformance, redis, startRedis } from "@ts-micro/conformance";

describe("on a real redis-server", { skip: redis().skip }, () => {
  for (const mode of ["streams", "pubsub"] as const) {
    describe(mode, () => {
      brokerConformance("redis", {
        start: () => startRedis(),
        create: ({ address }) => newBroker({ addresses: [address], mode }),
      });
    });
  }
});
