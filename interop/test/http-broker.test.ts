/** Publishing over HTTP with mDNS, which is what all have by default. */
import { describe } from "node:test";
import { v2, v5 } from "../src/go-micro.ts";
import { publishingRows } from "../src/rows/publishing-rows.ts";

describe("publishing over HTTP", { timeout: 170_000 }, () => {
  publishingRows([v2, v5], { flags: () => [] });
});
