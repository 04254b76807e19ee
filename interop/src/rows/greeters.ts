/** Services of ours that speak one protocol, and programs on go-micro that do. */
import { certificate, tlsFixture } from "@ts-micro/conformance";
import { newService, type Service, type ServiceOptions } from "ts-micro";
import type { Protocol } from "../codecs.ts";
import { type GoClient, startGoClient } from "../go-client.ts";
import type { GoMicro } from "../go-micro.ts";
import { serveGreeter } from "../greeter.ts";
import { pemFile } from "../pem-file.ts";
import { type Running, serve } from "../program.ts";

/** What services of ours speak: one protocol, or what they speak when nobody chooses. */
export type OurProtocol = Protocol | "default";

function choose(part: "client" | "server", protocol: OurProtocol): Pick<ServiceOptions, "client" | "server"> {
  return protocol === "default" ? {} : { [part]: protocol };
}

export interface Secure {
  /** Both sides speak TLS. */
  readonly secure?: boolean;
}

/** A caller of ours. */
export async function ourCaller(
  protocol: OurProtocol,
  { secure = false, timeout = "20s" }: Secure & { timeout?: string } = {},
): Promise<Service> {
  const tls = { ca: certificate("ca") };
  const service = newService({
    name: "interop.caller",
    ...choose("client", protocol),
    argv: [`--client_request_timeout=${timeout}`],
    env: { MICRO_LOG_LEVEL: "fatal" },
    ...(secure && { partOptions: { transport: { tls }, client: { tls } } }),
  });
  await service.init();
  return service;
}

/** A greeter of ours. */
export async function ourGreeter(
  protocol: OurProtocol,
  name: string,
  { secure = false }: Secure = {},
): Promise<Service> {
  const tls = tlsFixture("server");
  const service = newService({
    name,
    ...choose("server", protocol),
    argv: ["--server_address=127.0.0.1:0"],
    env: { MICRO_LOG_LEVEL: "fatal" },
    ...(secure && { partOptions: { transport: { tls }, server: { tls } } }),
  });
  serveGreeter(service);
  await service.start();
  return service;
}

/** @param env variables of that program */
export function goGreeter(
  go: GoMicro,
  protocol: Protocol,
  name: string,
  { secure = false, env = {} }: Secure & { env?: Record<string, string> } = {},
): Promise<Running> {
  // Without the flag v2.9.1's mucp server forgets the name that the program has given it.
  const flags = [`--server=${protocol}`, `--server_name=${name}`, "--server_address=127.0.0.1:0"];
  const files = { TLS_CERT: pemFile("server"), TLS_KEY: pemFile("server-key") };
  return serve(go.program("server").path, flags, /listening on \S+/, {
    SERVICE: name,
    ...(secure && files),
    ...env,
  });
}

export function goCaller(
  go: GoMicro,
  protocol: Protocol,
  { secure = false }: Secure = {},
): Promise<GoClient> {
  const env = secure ? { TLS_CA: pemFile("ca") } : {};
  return startGoClient(go.program("client"), [`--client=${protocol}`], env);
}
