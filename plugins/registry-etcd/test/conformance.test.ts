import { describe } from "node:test";
import { etcd, registryConformance, startEtcd } from "@ts-micro/conformance";
import { newRegistry } from "../src/index.ts";

describe("on a real etcd", { skip: etcd().skip }, () => {
  registryConformance("etcd", {
    start: () => startEtcd(),
    create: ({ address }) => newRegistry({ addresses: [address] }),
    supports: { ttlMs: 1_000 },
  });
});
