/**
 * The registry that needs no server: every process answers for its own nodes on the local network. Speaks with
 * go-micro's (`registry/mdns_registry.go`); what is different here:
 *
 * - a node that is registered again with other contents is announced again (go-micro keeps the old ones);
 * - an empty look-up is asked again until its time is up, and gives `[]` then;
 * - the TTL of a registration is not carried, as in go-micro: a node goes by a goodbye at `deregister` or `close`,
 *   and a process that was killed simply doesn't answer any more;
 * - service metadata is not carried, as in go-micro.
 */
import { randomInt } from "node:crypto";
import type { RemoteInfo } from "node:dgram";
import { hostname as machineName, networkInterfaces } from "node:os";
import { serviceUnavailable } from "../errors.ts";
import { newLogger } from "../logger.ts";
import { type DnsMessage, isResponse } from "./dns-message.ts";
import { Announcer } from "./mdns-announcer.ts";
import { instanceFor } from "./mdns-instance.ts";
import { type LookUp, newLookUp } from "./mdns-lookup.ts";
import {
  before,
  catalogName,
  checkServiceName,
  fittingNodeId,
  instanceName,
  isName,
  serviceName,
} from "./mdns-names.ts";
import { answersTo } from "./mdns-responder.ts";
import { Sightings } from "./mdns-sightings.ts";
import { type Interfaces, type Multicast, newMulticast } from "./mdns-socket.ts";
import {
  catalogEntriesIn,
  decodePacket,
  encodeQuery,
  recordOf,
  type Sighting,
  sightingsIn,
} from "./mdns-wire.ts";
import { byVersion, checkService, compare } from "./record.ts";
import type { ReadOptions, Registry, RegistryOptions, Service, Watcher, WatchOptions } from "./registry.ts";
import { newWatcherQueue, type WatcherQueue } from "./watcher.ts";

export interface MdnsRegistryOptions extends RegistryOptions {
  /** How long a look-up waits for the first answer, in milliseconds. @default 1_000 */
  timeoutMs?: number;
  /**
   * How long a look-up waits for further answers after the first, in milliseconds. While somebody watches, a node
   * that was there before and has not said goodbye is awaited for `timeoutMs`: it may only be busy. So is one that the
   * asker can use, while none is among those that answered.
   * @default 100, go-micro's time for the whole look-up
   */
  collectMs?: number;
  /** The last part of all names: registries see only those of their own domain. @default "micro", as go-micro */
  domain?: string;
  /** UDP port of the group. @default 5353 */
  port?: number;
  /** Time between looks at the network interfaces, which come and go, in milliseconds. @default 5_000 */
  rescanMs?: number;
  /** The interfaces to use. @default those of the machine */
  interfaces?: () => Interfaces;
}

/** What a look-up takes at most, lest a hostile neighbour fills the memory. */
const maxFound = 4096;

/** Opens nothing before it is used, and closes the shared port when nothing is registered or watched any more. */
export function newMdnsRegistry(options: MdnsRegistryOptions = {}): Registry {
  const domain = options.domain ?? "micro";
  const collectMs = options.collectMs ?? 100;
  const logger = options.logger ?? newLogger({ level: process.env.MICRO_LOG_LEVEL });
  const hostname = isName(machineName()) ? machineName() : "localhost";

  const announcer = new Announcer((packet) => network().send(packet), logger);
  const sightings = new Sightings(domain);
  const watchers = new Set<WatcherQueue>();
  const lookUps = new Set<{ lookUp: LookUp; take(packet: DnsMessage): boolean }>();
  let multicast: Multicast | undefined;

  function network(): Multicast {
    multicast ??= newMulticast({
      port: options.port ?? 5353,
      interfaces: options.interfaces ?? networkInterfaces,
      rescanMs: options.rescanMs ?? 5_000,
      logger,
      onMulticast,
      onUnicast,
      onInterface: () => void announcer.announceAll(),
    });
    return multicast;
  }

  function onMulticast(bytes: Buffer, from: RemoteInfo): void {
    const packet = decodePacket(bytes);
    if (packet === undefined) return;
    if (!isResponse(packet)) {
      if (announcer.empty) return;
      for (const answer of answersTo(packet, announcer.zone, { domain, hostname }))
        network().reply(answer, from);
    } else if (watchers.size > 0) {
      for (const sighting of sightingsIn(packet)) {
        const change = sightings.see(sighting);
        if (change !== undefined) for (const watcher of watchers) watcher.push(structuredClone(change));
      }
    }
  }

  function onUnicast(bytes: Buffer): void {
    const packet = decodePacket(bytes);
    if (packet === undefined || !isResponse(packet)) return;
    for (const { lookUp, take } of lookUps) if (take(packet)) lookUp.answered();
  }

  /** Asks for `name`, and gives every packet that comes back to `take`, which says whether it was an answer. */
  async function ask(
    name: string,
    take: (packet: DnsMessage) => boolean,
    complete: () => boolean,
    { signal, ...read }: ReadOptions = {},
  ): Promise<void> {
    // An id of its own for each look-up, as go-micro does; answers don't carry it.
    const query = encodeQuery(randomInt(0x1_0000), name);
    const timeoutMs = read.timeoutMs ?? options.timeoutMs ?? 1_000;
    const send = () => network().send(query);
    const lookUp = newLookUp({ ask: send, collectMs, timeoutMs, complete, signal });
    const pending = { lookUp, take };
    lookUps.add(pending);
    try {
      await lookUp.done;
    } finally {
      lookUps.delete(pending);
    }
  }

  async function getService(name: string, read?: ReadOptions): Promise<Service[]> {
    const fullName = serviceName(name, domain);
    // Nobody can have registered what DNS can't name.
    if (!isName(fullName)) return [];
    const found = new Map<string, Service>();
    const answers = new Map<string, Sighting>();
    const take = (packet: DnsMessage): boolean => {
      for (const sighting of sightingsIn(packet)) {
        if (sighting.goodbye || before(sighting.name, fullName) === undefined) continue;
        // The same answer comes once per interface that the asker and the node share.
        if (found.has(sighting.name) || found.size >= maxFound) continue;
        const record = recordOf(sighting, domain);
        if (record?.name !== name) continue;
        found.set(sighting.name, record);
        answers.set(sighting.name, sighting);
      }
      return found.size > 0;
    };
    const complete = (): boolean =>
      sightings.present(fullName).every((instance) => found.has(instance)) &&
      (read?.enough?.(byVersion(found.values())) ?? true);
    await ask(fullName, take, complete, read);
    if (watchers.size > 0) sightings.answered(fullName, answers);
    return byVersion(found.values());
  }

  async function listServices(read?: ReadOptions): Promise<Service[]> {
    const names = new Set<string>();
    const take = (packet: DnsMessage): boolean => {
      for (const name of catalogEntriesIn(packet, domain)) if (names.size < maxFound) names.add(name);
      return names.size > 0;
    };
    await ask(catalogName(domain), take, () => true, read);
    const empty = { version: "", metadata: {}, endpoints: [], nodes: [] };
    return [...names].sort(compare).map((name) => ({ name, ...structuredClone(empty) }));
  }

  async function register(service: Service): Promise<void> {
    checkService(service);
    checkServiceName(service.name, domain);
    const instances = await Promise.all(
      service.nodes.map((node) => instanceFor(service, node, { domain, hostname })),
    );
    await network().listen();
    await Promise.all(instances.map((instance) => announcer.add(service.name, instance)));
  }

  async function deregister(service: Service): Promise<void> {
    const names = service.nodes.map(({ id }) =>
      instanceName(fittingNodeId(id, service.name, domain), service.name, domain),
    );
    await Promise.all(names.map((name) => announcer.remove(service.name, name)));
    release();
  }

  async function watch(watchOptions: WatchOptions = {}): Promise<Watcher> {
    const queue = newWatcherQueue({
      ...watchOptions,
      onEnd(ended) {
        watchers.delete(ended);
        release();
      },
    });
    if (watchOptions.signal?.aborted) return queue.watcher;
    watchers.add(queue);
    try {
      await network().listen();
    } catch (error) {
      queue.end();
      throw error;
    }
    return queue.watcher;
  }

  /** Gives the shared port back when it serves nobody. */
  function release(): void {
    if (watchers.size === 0) sightings.clear();
    if (watchers.size === 0 && announcer.empty) multicast?.unlisten();
  }

  async function close(): Promise<void> {
    for (const queue of watchers) queue.end();
    const closed = serviceUnavailable("go.micro.registry", "the mdns registry was closed", {
      reason: "closed",
    });
    for (const { lookUp } of lookUps) lookUp.fail(closed);
    await announcer.removeAll();
    multicast?.close();
    multicast = undefined;
  }

  return {
    name: "mdns",
    register,
    deregister,
    getService,
    listServices,
    watch,
    /** Other than an engine, nobody is there to keep the nodes: closing says goodbye for them. */
    close,
    [Symbol.asyncDispose]: close,
  };
}
