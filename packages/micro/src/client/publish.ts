import type { Broker } from "../broker/broker.ts";
import { messageOf } from "../broker/text-message.ts";
import { codecFor, readableContentType } from "../codec/codecs.ts";
import type { ClientPublishOptions } from "./client.ts";
import { type MetadataSource, shared } from "./inherit.ts";
import { messageIds } from "./message-ids.ts";
import type { ClientSettings } from "./settings.ts";

type Publish = (topic: string, body: unknown, options?: ClientPublishOptions) => Promise<void>;

/** Publishing, the same for clients of every protocol (go-micro `client/rpc_client.go`, Publish). */
export function publisher(
  settings: ClientSettings,
  metadataSource: MetadataSource,
  currentBroker: () => Broker,
): Publish {
  let connected: Connecting | undefined;

  /** Connects a broker once; a failure is forgotten, so that the next publish tries again. */
  const connect = (broker: Broker): Connecting => {
    if (connected?.broker === broker) return connected;
    const connecting: Connecting = { broker, done: broker.connect(), isDone: false };
    connected = connecting;
    connecting.done.then(
      () => {
        connecting.isDone = true;
      },
      () => {
        if (connected === connecting) connected = undefined;
      },
    );
    return connecting;
  };

  // Nobody knows who subscribes.
  const usual = readableContentType(settings.contentType, settings.codecs);

  const newId = messageIds();
  const sharedMetadata = shared(metadataSource);

  /** Everything that doesn't need a connection. */
  const prepare = (
    broker: Broker,
    topic: string,
    body: unknown,
    { contentType = usual, exchange = topic, metadata: own, context, type, signal }: ClientPublishOptions,
  ): (() => Promise<void>) => {
    const codec = codecFor(contentType, settings.codecs);
    const id = newId();
    const frame = { kind: "event", id, endpoint: "", error: "" } as const;
    const metadata = sharedMetadata(own, context?.metadata);
    if (broker.publishText !== undefined && signal === undefined) {
      const text = codec.encodeText?.(body, frame, type);
      if (text !== undefined) {
        const message = { contentType, id, metadata, body: text };
        return () => (broker as Required<Broker>).publishText(exchange, message);
      }
    }
    const message = messageOf({ contentType, id, metadata }, topic, codec.encode(body, frame, type));
    return () => broker.publish(exchange, message, signal === undefined ? {} : { signal });
  };

  return (topic, body, options = noOptions) => {
    try {
      const broker = currentBroker();
      const send = prepare(broker, topic, body, options);
      const connecting = connect(broker);
      return connecting.isDone ? send() : connecting.done.then(send);
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  };
}

interface Connecting {
  readonly broker: Broker;
  readonly done: Promise<void>;
  isDone: boolean;
}

const noOptions = {};
