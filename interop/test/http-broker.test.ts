/** Services of ts-micro and of go-micro v2.9.1 that publish and subscribe with what both have by default. */
import { describe } from "node:test";
import { goPubsub } from "../src/v2/publishing-peers.ts";
import { publishingRows } from "../src/v2/publishing-rows.ts";

describe("publishing over HTTP", { skip: goPubsub.skip, timeout: 150_000 }, () => {
  publishingRows(() => []);
});
