/** Services of ts-micro and of go-micro v2.9.1 that find each other by mDNS. */
import { describe } from "node:test";
import { v2 } from "../src/go-micro.ts";
import { registryRows } from "../src/v2/registry-rows.ts";

describe("by mDNS", { skip: v2.program("registry").skip, timeout: 150_000 }, () => {
  registryRows(v2, () => [], { leases: false });
});
