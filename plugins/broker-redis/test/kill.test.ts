import { newBroker } from "@ts-micro/broker-redis";
import { brokerRecovery, redis, startRedis } from "@ts-micro/conformance";

brokerRecovery("redis", {
  start: () => startRedis({ durable: true }),
  create: ({ impatient, ...setup }) =>
    newBroker({ ...setup, claimAfterMs: 2_000, ...(impatient && { pingIntervalMs: 300, timeoutMs: 700 }) }),
  skip: redis().skip,
  publishers: 16,
});
