import { describe } from "node:test";
import { postgres, startPostgres, storeConformance } from "@ts-micro/conformance";
import { newStore } from "@ts-micro/store-postgres";

describe("on a real PostgreSQL", { skip: postgres().skip }, () => {
  storeConformance("postgres", {
    start: () => startPostgres(),
    create: ({ address }, options) => newStore({ ...options, addresses: [address], timeoutMs: 30_000 }),
  });
});
