/** Services of ts-micro and of go-micro v2.9.1 that publish and subscribe with what both have by default. */
import { describe } from "node:test";
import { v2 } from "../src/go-micro.ts";
import { publishingRows } from "../src/v2/publishing-rows.ts";

describe("publishing over HTTP", { skip: v2.program("pubsub").skip, timeout: 150_000 }, () => {
  publishingRows(v2, () => []);
});
