export { tlsProblem } from "../tls.ts";
export { type TlsFiles, tlsWithFiles } from "../tls-files.ts";
export { type ConnectOptions, connectTcp } from "./connect.ts";
export { type HttpTransportOptions, newHttpTransport } from "./http.ts";
export { HttpAgent } from "./http-agent.ts";
export { type ListenTcpOptions, listenTcp } from "./listener.ts";
export { newMemoryTransport } from "./memory.ts";
export { localAddressOf, remoteAddressOf } from "./stream-address.ts";
export * from "./transport.ts";
