import { once } from "node:events";
import { wires } from "ts-micro/cmd";
import { init } from "ts-micro/plugin";
import type { CommandCall } from "./command.ts";
import { printJson } from "./print.ts";

/** Clients of a broker or registry behind a service speak gRPC, go-micro's too; the user's own plugin goes first. */
export async function speakGrpc(): Promise<void> {
  if (wires.server.grpc !== undefined) return;
  const { Plugin } = await import("@ts-micro/server-grpc");
  init(Plugin);
}

/** Says what is offered where, and waits for the end. */
export async function serveUntilAsked(
  { service, flags, signal }: CommandCall,
  kind: "broker" | "registry",
): Promise<void> {
  const { name } = service.options;
  const { address } = service.server;
  const offered = service[kind].name;
  if (flags.has("json")) printJson({ name, [kind]: offered, address });
  else process.stdout.write(`${name} offers the ${kind} ${offered} at ${address}\n`);
  if (!signal.aborted) await once(signal, "abort");
}
