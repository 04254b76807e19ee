/** Services of ts-micro and of go-micro v2.9.1 that find each other by mDNS. */
import { describe } from "node:test";
import { goProgram } from "../src/go-program.ts";
import { registryRows } from "../src/v2/registry-rows.ts";

describe("by mDNS", { skip: goProgram("v2", "registry").skip, timeout: 150_000 }, () => {
  registryRows(() => [], { leases: false });
});
