import { describe } from "node:test";
import { redis, startRedis, storeConformance } from "@ts-micro/conformance";
import { newStore } from "@ts-micro/store-redis";

describe("on a real Redis", { skip: redis().skip }, () => {
  storeConformance("redis", {
    start: () => startRedis(),
    create: ({ address }, options) => newStore({ ...options, addresses: [address], timeoutMs: 30_000 }),
  });
});
