import { setMaxListeners } from "node:events";
import { MicroError } from "../errors.ts";
import { maxHeadBytes } from "../mux/head.ts";
import { alpn } from "../mux/link.ts";
import type { Node } from "../registry/registry.ts";
import { connectTcp } from "../transport/connect.ts";
import { Post } from "./mux-post.ts";
import { MuxPublisher } from "./mux-publisher.ts";
import { failure, type Sender, type SenderOptions } from "./sender.ts";

/** Headers beyond this, in bytes, are refused, as over HTTP. */
const maxHeaderBytes = 64 * 1024;

/**
 * Content type and calling service together, in characters: even if JSON writes each as six, there is room for the rest of
 * the head.
 */
const maxHeadLength = maxHeadBytes / 8;

/**
 * Sends to nodes that speak mux (docs/protocol-mux.md, Events): one connection to each address, on which all
 * messages of a turn of the event loop leave in one write. A message whose connection ends before it has left is given
 * to another connection, once. One that has left is not: its subscriber may have taken it, and the answer may be lost.
 */
export function newMuxSender({ timeoutMs, tls = {} }: SenderOptions): Sender {
  /** Those that messages may be given to, by address. */
  const open = new Map<string, MuxPublisher>();
  const dialling = new Map<string, Promise<MuxPublisher>>();
  const live = new Set<MuxPublisher>();
  const closing = new AbortController();
  // Each dial under way listens to it.
  setMaxListeners(0, closing.signal);

  return {
    post(node, message, signal, outcome) {
      const headLength = message.contentType.length + message.from.length;
      const headerBytes = message.id.length + message.metadata.length + headLength;
      if (headerBytes > maxHeaderBytes) {
        const what = `the header has ${headerBytes} bytes, of ${maxHeaderBytes} allowed`;
        outcome.failed(failure(node, 413, what));
      } else if (headLength > maxHeadLength) {
        const what = `content type and calling service have ${headLength} characters, of ${maxHeadLength} allowed`;
        outcome.failed(failure(node, 413, what));
      } else give(new Post(node, message, signal, outcome));
    },

    close() {
      closing.abort();
      for (const connection of live) connection.destroy();
    },
  };

  function give(post: Post): void {
    const connection = open.get(post.node.address);
    if (connection !== undefined) {
      connection.publish(post);
      return;
    }
    dial(post.node).then(
      (opened) => {
        if (!post.ended) opened.publish(post);
      },
      (thrown: unknown) => {
        const { detail, reason } = MicroError.from(thrown);
        post.fail(503, detail, reason ?? "connection-failed", thrown);
      },
    );
  }

  /** All who want a connection to the same address share the dial. */
  function dial(node: Node): Promise<MuxPublisher> {
    let dialled = dialling.get(node.address);
    if (dialled === undefined) {
      dialled = openTo(node).finally(() => dialling.delete(node.address));
      dialling.set(node.address, dialled);
    }
    return dialled;
  }

  async function openTo({ address, metadata }: Node): Promise<MuxPublisher> {
    const secure = metadata.secure === "true";
    const socket = await connectTcp(address, {
      tls: secure ? tls : undefined,
      alpn,
      timeoutMs,
      signal: closing.signal,
    });
    const connection: MuxPublisher = new MuxPublisher(
      socket,
      { timeoutMs, secure },
      {
        unusable: () => {
          if (open.get(address) === connection) open.delete(address);
        },
        closed: () => live.delete(connection),
        back(post, { what, reason, cause }) {
          const hasLeft = post.number !== 0;
          if (hasLeft) post.fail(503, what, reason, cause);
          else if (post.returned || reason === "connection-failed" || closing.signal.aborted) {
            post.fail(503, what, "connection-failed", cause);
          } else {
            post.returned = true;
            give(post);
          }
        },
      },
    );
    live.add(connection);
    open.set(address, connection);
    return connection;
  }
}
