import { createServer } from "node:http";
import type { Duplex } from "node:stream";

/** A connection that says nothing this long is closed, in milliseconds. */
const idleMs = 10_000;

/** First four bytes of what HTTP clients send. */
const methods = new Set(["GET ", "HEAD", "POST", "PUT ", "DELE", "OPTI"]);

export function looksLikeHttp(bytes: Buffer): boolean {
  return methods.has(bytes.toString("latin1", 0, 4));
}

export interface HealthServer {
  /** Takes over a connection whose bytes are still unread. */
  serve(connection: Duplex): void;
}

/**
 * HTTP on the port of the server, as bRPC has it, with the one page that is asked for by programs: bRPC's
 * clients (`-health_check_path=/health`) and load balancers call a server back when it answers 200.
 */
export function newHealthServer(healthy: () => boolean): HealthServer {
  const server = createServer((request, response) => {
    const found = request.url?.split("?", 1)[0] === "/health";
    const ok = found && healthy();
    // One answer each: nobody has to close these when the server stops.
    response.writeHead(ok ? 200 : found ? 503 : 404, { "Content-Type": "text/plain", Connection: "close" });
    response.end(
      ok ? "OK\n" : found ? "draining\n" : "baidu_std is spoken here; over HTTP there is /health\n",
    );
  });
  server.timeout = idleMs;
  return {
    serve: (connection) => void server.emit("connection", connection),
  };
}
