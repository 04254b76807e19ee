/** Services of ours that are killed under load and come back on another port. */
import { describe } from "node:test";
import { etcd } from "@ts-micro/conformance";
import { ourRestartRows } from "../src/rows/restart-rows.ts";

describe("killed under load", { skip: etcd().skip, timeout: 170_000 }, () => {
  ourRestartRows();
});
