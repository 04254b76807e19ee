import { redis, startRedis, storeRecovery } from "@ts-micro/conformance";
import { newStore } from "@ts-micro/store-redis";

storeRecovery("redis", {
  start: () => startRedis({ durable: true }),
  create: newStore,
  skip: redis().skip,
});
