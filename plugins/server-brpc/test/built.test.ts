import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { errnoOf } from "@ts-micro/client-brpc";
import { MicroError } from "ts-micro";
import type { Client, ClientOptions } from "ts-micro/client";
import { build, load } from "ts-micro/plugin";
import type { Server, ServerOptions } from "ts-micro/server";
import { startEcho } from "./echo.ts";

const folder = mkdtempSync(join(tmpdir(), "ts-micro-brpc-"));
after(() => rmSync(folder, { recursive: true }));

/** The factory of a package, out of one file that has no part of it left outside. */
async function built(name: string): Promise<unknown> {
  const file = join(folder, name.replace("@ts-micro/", ""));
  const { path } = await build(file, { path: name });
  return (await load(path)).newFunc;
}

test("client and server as built plugins: the program's own copy of their package fits", async () => {
  const newServer = (await built("@ts-micro/server-brpc")) as (options: ServerOptions) => Server;
  const newClient = (await built("@ts-micro/client-brpc")) as (options: ClientOptions) => Client;
  const echo = await startEcho({}, { server: newServer });
  const client = newClient({});
  let attachment = "";
  const request = {
    service: "echo",
    endpoint: "example.EchoService.Echo",
    addresses: [echo.address],
    brpc: {
      attachment: Buffer.from("raw bytes"),
      onResponse: (response: { attachment: Buffer }) => {
        attachment = response.attachment.toString();
      },
    },
  };
  try {
    assert.deepEqual(await client.call({ ...request, body: { message: "hello" } }), { message: "hello" });
    // `brpcCall` and `brpcError` of the handler are not those in the server's file.
    assert.equal(attachment, "raw bytes");
    await assert.rejects(
      client.call({ ...request, body: { message: "fail" } }),
      (error) => MicroError.is(error) && errnoOf(error) === 2001 && error.detail === "handler says no",
    );
  } finally {
    await client.close();
    await echo.stop();
  }
});
