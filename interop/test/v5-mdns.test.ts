/** Services of ts-micro and of go-micro's modern line that find each other by mDNS. */
import { describe } from "node:test";
import { v5 } from "../src/go-micro.ts";
import { registryRows } from "../src/v2/registry-rows.ts";

describe("by mDNS", { skip: v5.program("registry").skip, timeout: 150_000 }, () => {
  registryRows(v5, () => [], { leases: false });
});
