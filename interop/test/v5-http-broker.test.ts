/** Publishing between ours and go-micro's modern line with what both have by default. */
import { describe } from "node:test";
import { v5 } from "../src/go-micro.ts";
import { publishingRows } from "../src/v2/publishing-rows.ts";

describe("publishing over HTTP", { skip: v5.program("pubsub").skip, timeout: 150_000 }, () => {
  publishingRows(v5, () => []);
});
