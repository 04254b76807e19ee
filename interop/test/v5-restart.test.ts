/** Services that are killed under load and come back on another port, ours and of go-micro's modern line. */
import { describe } from "node:test";
import { etcd } from "@ts-micro/conformance";
import { v5 } from "../src/go-micro.ts";
import { restartRows } from "../src/rows/restart-rows.ts";

describe("killed under load", { skip: v5.program("load").skip || etcd().skip, timeout: 170_000 }, () => {
  restartRows(v5, "V9");
});
