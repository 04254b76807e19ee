import {
  connectionDefaults,
  type Listening,
  type Msg,
  newConnection,
  type Session,
} from "@ts-micro/nats-connection";
import { MicroError, newLogger } from "ts-micro";
import {
  byVersion,
  checkService,
  newWatcherQueue,
  type Registry,
  type Result,
  resultFromJson,
  resultToJson,
  type Service,
  type Watcher,
  type WatcherQueue,
  type WatchOptions,
} from "ts-micro/registry";
import { type AskOptions, ask } from "./ask.ts";
import { type Follower, newFollower } from "./follower.ts";
import { checkOptions, defaults, type NatsRegistryOptions, registryErrorId } from "./options.ts";
import { newOwn } from "./own.ts";
import { byNameAndVersion } from "./records.ts";
import { type Query, queryFromJson, queryOf, watchOf } from "./subjects.ts";

/**
 * go-micro's nats registries (`registry/nats` of go-plugins @ v2.9.1, and of go-micro @ v6.10.0): nothing is stored. Whoever has
 * registered nodes answers queries about them and announces changes; so closing takes its nodes away. Opens nothing before it is
 * used, and connects again by itself: then nodes are announced, and watches ask what they have missed.
 * @throws MicroError 400 for an address or option that makes no sense
 */
export function newRegistry(options: NatsRegistryOptions = {}): Registry {
  checkOptions(options);
  const {
    prefixes = defaults.prefixes,
    answerMs = defaults.answerMs,
    refreshMs = defaults.refreshMs,
  } = options;
  const { timeoutMs = connectionDefaults.timeoutMs } = options;
  const logger = (options.logger ?? newLogger({ level: process.env.MICRO_LOG_LEVEL })).child({
    registry: "nats",
  });
  const owner = { kind: "registry", errorId: registryErrorId, logger };
  const connection = newConnection(options, owner, () => void catchUp());
  const own = newOwn((expired) => void announce("delete", expired).catch(logUntold));
  const followers = new Map<Follower, { queue: WatcherQueue; query: Query }>();
  let listening: Promise<Listening[]> | undefined;
  let refreshing: NodeJS.Timeout | undefined;

  return {
    name: "nats",

    async register(service, { ttlMs } = {}) {
      checkService(service);
      await listen();
      for (const left of own.put(service, ttlMs)) await announce("delete", left);
      await announce("create", service);
    },

    async deregister(service) {
      // Ours are gone in any case, also when nobody can be told.
      const taken = service.nodes
        .map(({ id }) => own.take(service.name, id))
        .filter((record) => record !== undefined);
      await listen();
      const others = service.nodes.filter(({ id }) => !taken.some(({ nodes }) => nodes[0]?.id === id));
      for (const record of byVersion(taken)) await announce("delete", record);
      if (others.length > 0) await announce("delete", { ...service, nodes: others });
    },

    async getService(name, read) {
      return byVersion(await answered({ name }, read));
    },

    async listServices(read) {
      return byNameAndVersion(await answered("all", read));
    },

    watch,
    close,
    [Symbol.asyncDispose]: close,
  };

  async function session(): Promise<Session> {
    await connection.open();
    return connection.session();
  }

  async function answered(query: Query, read?: AskOptions): Promise<Service[]> {
    const records = await ask(await session(), query, { prefixes, answerMs, timeoutMs }, read);
    return query === "all" ? records : records.filter(({ name }) => name === query.name);
  }

  async function announce(action: Result["action"], service: Service): Promise<void> {
    const payload = Buffer.from(resultToJson({ action, service }));
    const present = await session();
    await Promise.all(prefixes.map((prefix) => present.publish(watchOf(prefix), payload)));
  }

  /** For queries and announcements, from the first registration or watch on. */
  function listen(): Promise<Listening[]> {
    listening ??= (async () => {
      await connection.open();
      const all = prefixes.flatMap((prefix) => [
        connection.listen({ subject: queryOf(prefix), onMessage: answer }),
        connection.listen({ subject: watchOf(prefix), onMessage: hear }),
      ]);
      return Promise.all(all);
    })().catch((thrown: unknown) => {
      listening = undefined;
      throw thrown;
    });
    return listening;
  }

  function answer(message: Msg): void {
    const query = queryFromJson(Buffer.from(message.data).toString());
    if (query === undefined) return;
    for (const text of own.answers(query)) message.respond(text);
  }

  function hear({ data, subject }: Msg): void {
    let result: Result;
    try {
      result = resultFromJson(Buffer.from(data).toString());
    } catch (thrown) {
      logger.debug(`on ${subject}: ${MicroError.from(thrown).detail}`);
      return;
    }
    if (result.action === "delete") own.drop(result.service);
    for (const follower of followers.keys()) follower.learn(result);
  }

  async function watch(watchOptions: WatchOptions = {}): Promise<Watcher> {
    const { service: name, signal } = watchOptions;
    if (signal?.aborted) return newWatcherQueue(watchOptions).watcher;
    let known = false;
    const queue = newWatcherQueue({
      ...watchOptions,
      onEnd() {
        followers.delete(follower);
        if (followers.size === 0) clearInterval(refreshing);
      },
    });
    // What is there already is no change.
    const follower = newFollower(name, (result) => known && queue.push(result));
    const query: Query = name === undefined ? "all" : { name };
    try {
      await listen();
      if (followers.size === 0) refreshing = setInterval(refresh, refreshMs).unref();
      followers.set(follower, { queue, query });
      await hearAll(follower, query);
      known = true;
    } catch (thrown) {
      queue.end();
      throw thrown;
    }
    return queue.watcher;
  }

  async function hearAll(follower: Follower, query: Query): Promise<void> {
    const round = follower.round();
    await answered(query, { onRecord: round.hear });
    round.end();
  }

  /** Nobody who watches is told anything while there is no connection: what is known goes on being used. */
  async function refresh(): Promise<void> {
    for (const [follower, { query }] of [...followers]) {
      try {
        await hearAll(follower, query);
      } catch (thrown) {
        logger.debug(`can't ask about what is watched: ${MicroError.from(thrown).detail}`);
      }
    }
  }

  /** There is a connection again: others learn of our nodes, and we of theirs. */
  async function catchUp(): Promise<void> {
    // A round soon after this one would count an owner twice who needs a moment longer to come back.
    if (followers.size > 0) refreshing?.refresh();
    await Promise.all(own.all().map((record) => announce("create", record))).catch(logUntold);
    await refresh();
  }

  function logUntold(thrown: unknown): void {
    logger.warn(`others don't know of a change yet: ${MicroError.from(thrown).detail}`);
  }

  async function close(): Promise<void> {
    for (const { queue } of [...followers.values()]) queue.end();
    own.clear();
    listening = undefined;
    await connection.close();
  }
}
