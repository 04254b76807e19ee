import { nats, startNats, storeRecovery } from "@ts-micro/conformance";
import { type NatsStoreOptions, newStore } from "@ts-micro/store-nats";
import type { StoreOptions } from "ts-micro/store";

storeRecovery("nats", {
  start: () => startNats({ jetstream: true }),
  create: (options: StoreOptions) => newStore({ ...options, pingIntervalMs: 200 } satisfies NatsStoreOptions),
  skip: nats().skip,
});
