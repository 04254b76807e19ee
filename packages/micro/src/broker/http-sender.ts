import type { ClientRequest, RequestOptions } from "node:http";
import type { Agent as TlsAgent } from "node:https";
import { parseAddress } from "../address.ts";
import { MicroError } from "../errors.ts";
import type { Node } from "../registry/registry.ts";
import { clientTls, closedInSilence, tlsProblem } from "../tls.ts";
import { cancelled } from "./failures.ts";
import type { Outgoing } from "./outgoing.ts";
import { failure, type Sender, type SenderOptions } from "./sender.ts";

/** Posts messages as go-micro does. Waiting for a connection of the pool doesn't count as time of the message. */
export function newHttpSender({ timeoutMs, tls = {} }: SenderOptions): Sender {
  // Loaded here rather than by an import: most services publish nothing this way.
  const http = process.getBuiltinModule("node:http");
  const pool = { keepAlive: true, maxSockets: 32, maxFreeSockets: 16 };
  const agent = new http.Agent(pool);
  let tlsAgent: TlsAgent | undefined;

  async function post(node: Node, message: Outgoing, signal: AbortSignal | undefined): Promise<void> {
    const body = message.envelope;
    for (;;) {
      const request = open(node, body.length, signal);
      let answered = false;
      request.once("response", () => {
        answered = true;
      });
      try {
        const status = await exchange(request, body, timeoutMs);
        if (status >= 200 && status < 300) return;
        throw failure(node, status, `answered ${status}`);
      } catch (thrown) {
        if (MicroError.is(thrown)) throw thrown;
        if (signal?.aborted) throw cancelled(`publishing to ${node.address}`, signal);
        // A kept connection that the node had closed while it was idle: the message has not been seen. Each such
        // failure uses one kept connection up, so this ends with a new one.
        if (request.reusedSocket && !answered && isReset(thrown)) continue;
        throw unreachable(node, thrown as NodeJS.ErrnoException);
      }
    }
  }

  function open(node: Node, length: number, signal: AbortSignal | undefined): ClientRequest {
    const { host, port } = parseAddress(node.address);
    const target: RequestOptions = {
      method: "POST",
      host,
      port,
      path: `/?id=${encodeURIComponent(node.id)}`,
      headers: { "Content-Type": "application/json", "Content-Length": length },
      ...(signal !== undefined && { signal }),
    };
    if (node.metadata.secure !== "true") return http.request({ ...target, agent });
    const https = process.getBuiltinModule("node:https");
    tlsAgent ??= new https.Agent(pool);
    return https.request({ ...target, ...clientTls(tls, host, ["http/1.1"]), agent: tlsAgent });
  }

  return {
    post(node, message, signal, outcome) {
      post(node, message, signal).then(
        () => outcome.taken(),
        (thrown) => outcome.failed(thrown),
      );
    },
    close() {
      agent.destroy();
      tlsAgent?.destroy();
    },
  };
}

/** The status of the answer; its body is of no interest. */
function exchange(request: ClientRequest, body: Buffer, timeoutMs: number): Promise<number> {
  return new Promise((resolve, reject) => {
    // Not `request.setTimeout`: that is for silence, and begins with the established connection. Waiting for a
    // connection of the pool doesn't count; those that hold one are limited themselves.
    let timer: NodeJS.Timeout | undefined;
    let late: NodeJS.Immediate | undefined;
    const giveUp = (): void => {
      request.destroy(Object.assign(new Error(`no answer within ${timeoutMs} ms`), { code: "ETIMEDOUT" }));
    };
    request.once("socket", () => {
      timer = setTimeout(() => {
        // Timers come before sockets: an answer that this process was too busy to read is read first.
        late = setImmediate(giveUp);
      }, timeoutMs);
    });
    request.once("close", () => {
      clearTimeout(timer);
      clearImmediate(late);
    });
    request.on("response", (response) => {
      response.on("error", reject);
      response.on("end", () => resolve(response.statusCode ?? 0));
      response.resume();
    });
    request.on("error", reject);
    request.end(body);
  });
}

function isReset(thrown: unknown): boolean {
  const { code } = thrown as NodeJS.ErrnoException;
  return code === "ECONNRESET" || code === "EPIPE";
}

function unreachable(node: Node, cause: NodeJS.ErrnoException): MicroError {
  const reason = isReset(cause)
    ? "connection-lost"
    : cause.code === "ETIMEDOUT"
      ? "timeout"
      : "connection-failed";
  const silent = node.metadata.secure === "true" && cause.code === "ECONNRESET";
  const what = silent ? closedInSilence : (tlsProblem(cause) ?? cause.message);
  return failure(node, 503, what, reason, cause);
}
