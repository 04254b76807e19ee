/** Services that find each other by mDNS. */
import { describe } from "node:test";
import { v2, v5 } from "../src/go-micro.ts";
import { registryRows } from "../src/rows/registry-rows.ts";

describe("by mDNS", { timeout: 170_000 }, () => {
  registryRows([v2, v5], { flags: () => [], leases: false });
});
