/**
 * Multicast on every interface, loopback included, whatever happens to any of them.
 *
 * Packets go out on one socket per interface with a port of its own: the kernel picks one interface per
 * socket, and an answer to port 5353 might reach another process (with a shared port, unicast goes to
 * whoever bound last). Multicast packets are received on the shared port by everyone.
 */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import type { NetworkInterfaceInfo } from "node:os";
import { serviceUnavailable } from "../errors.ts";
import type { Logger } from "../logger.ts";

export type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

export interface MulticastOptions {
  readonly port: number;
  readonly interfaces: () => Interfaces;
  /** Time between looks at the interfaces, in milliseconds. */
  readonly rescanMs: number;
  readonly logger: Logger;
  /** A packet to the group. Answers to it go back through `reply`. */
  onMulticast(bytes: Buffer, from: RemoteInfo): void;
  /** A packet to one of the sending sockets: an answer to what was sent. */
  onUnicast(bytes: Buffer): void;
  /** An interface appeared after the first look; packets can be sent there now. */
  onInterface(): void;
}

export interface Multicast {
  /**
   * Resolves once packets to the group are received, on IPv4 or IPv6.
   * @throws MicroError 503 naming the port, when it can be used for neither.
   */
  listen(): Promise<void>;
  /** Stops receiving packets to the group. Sending goes on. */
  unlisten(): void;
  /** Sends to the groups on every interface. Resolves with what went wrong where, and how often it went well. */
  send(bytes: Buffer): Promise<SendReport>;
  /** Sends to one peer from the shared port. Errors are only logged. */
  reply(bytes: Buffer, to: RemoteInfo): void;
  close(): void;
}

export interface SendReport {
  readonly sent: number;
  /** `eth0 (IPv4): ENETUNREACH` */
  readonly failures: readonly string[];
}

type Family = 4 | 6;

const groups: Record<Family, string> = { 4: "224.0.0.251", 6: "ff02::fb" };

/** One address family of one interface. */
interface Link {
  readonly label: string;
  readonly family: Family;
  /** How `addMembership` and `setMulticastInterface` name it. */
  readonly handle: string;
  readonly group: string;
}

/** Opens nothing yet. Once closed, it stays closed. */
export function newMulticast(options: MulticastOptions): Multicast {
  const { port, rescanMs, logger } = options;
  const senders = new Map<string, { link: Link; socket: Socket }>();
  const listeners = new Map<Family, Socket>();
  let listening = false;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  /** Why the shared port could not be used, at the last look. */
  let failures: readonly unknown[] = [];
  /** The last look at the interfaces; the next one begins when it has ended. */
  let scanning: Promise<void> | undefined;

  function scan(): Promise<void> {
    scanning = (scanning ?? Promise.resolve()).then(bringInLine);
    return scanning;
  }

  /** Opens and closes sockets, and joins groups, for the interfaces that are there now. */
  async function bringInLine(): Promise<void> {
    if (closed) return;
    const isFirst = timer === undefined;
    timer ??= setInterval(() => void scan(), rescanMs).unref();
    const links = new Map(currentLinks().map((link) => [link.label + link.handle, link]));
    for (const [key, { socket }] of senders) {
      if (links.has(key)) continue;
      senders.delete(key);
      shut(socket);
    }
    const missing = [...links].filter(([key]) => !senders.has(key));
    await Promise.all(missing.map(([key, link]) => openSender(key, link)));
    if (listening) failures = await Promise.all([openListener(4), openListener(6)]);
    for (const link of links.values()) join(link);
    if (!isFirst && missing.some(([key]) => senders.has(key))) options.onInterface();
  }

  function currentLinks(): Link[] {
    try {
      return linksOf(options.interfaces());
    } catch (error) {
      logger.warn(`mdns: can't list the network interfaces: ${describe(error)}`);
      return [];
    }
  }

  async function openSender(key: string, link: Link): Promise<void> {
    const socket = newSocket(link.family, false);
    socket.on("message", options.onUnicast);
    socket.on("error", () => {
      if (senders.get(key)?.socket === socket) senders.delete(key);
      shut(socket);
    });
    try {
      await bind(socket, 0);
      socket.setMulticastInterface(link.handle);
    } catch (error) {
      logger.debug(`mdns: can't send on ${link.label}: ${describe(error)}`);
      shut(socket);
      return;
    }
    // A look-up that waits has a timer; a socket alone keeps no process alive.
    socket.unref();
    if (closed) shut(socket);
    else senders.set(key, { link, socket });
  }

  /** Gives the error instead of throwing it: one family is enough. */
  async function openListener(family: Family): Promise<unknown> {
    if (listeners.has(family)) return undefined;
    const socket = newSocket(family, true);
    // Known before it is bound, so that `unlisten` reaches it.
    listeners.set(family, socket);
    socket.on("message", options.onMulticast);
    socket.on("error", () => {
      if (listeners.get(family) === socket) listeners.delete(family);
      shut(socket);
    });
    try {
      await bind(socket, port);
      return undefined;
    } catch (error) {
      return error;
    }
  }

  function join(link: Link): void {
    try {
      listeners.get(link.family)?.addMembership(groups[link.family], link.handle);
    } catch (error) {
      // Already a member: how a second look ends as long as the interface stayed.
      if (codeOf(error) === "EADDRINUSE") return;
      logger.debug(`mdns: can't join ${link.group} on ${link.label}: ${describe(error)}`);
    }
  }

  async function listen(): Promise<void> {
    listening = true;
    await scan();
    if (listeners.size > 0 || !listening) return;
    const reasons = failures.map(describe).join(", ");
    throw serviceUnavailable("go.micro.registry", `mdns can't receive on UDP port ${port}: ${reasons}`, {
      reason: "connection-failed",
      cause: failures[0],
    });
  }

  function unlisten(): void {
    listening = false;
    for (const socket of listeners.values()) shut(socket);
    listeners.clear();
  }

  async function send(bytes: Buffer): Promise<SendReport> {
    await (scanning ?? scan());
    const failures: string[] = [];
    let sent = 0;
    const sending = [...senders.values()].map(async ({ link, socket }) => {
      const error = await sendOn(socket, bytes, port, link.group);
      if (error === undefined) sent++;
      else failures.push(`${link.label}: ${describe(error)}`);
    });
    await Promise.all(sending);
    return { sent, failures };
  }

  function reply(bytes: Buffer, to: RemoteInfo): void {
    const socket = listeners.get(to.family === "IPv6" ? 6 : 4);
    if (socket === undefined) return;
    void sendOn(socket, bytes, to.port, to.address).then((error) => {
      if (error !== undefined) logger.debug(`mdns: can't answer ${to.address}: ${describe(error)}`);
    });
  }

  function close(): void {
    closed = true;
    clearInterval(timer);
    unlisten();
    for (const { socket } of senders.values()) shut(socket);
    senders.clear();
  }

  return { listen, unlisten, send, reply, close };
}

function linksOf(interfaces: Interfaces): Link[] {
  return Object.entries(interfaces).flatMap(([name, addresses = []]) => {
    const links: Link[] = [];
    const ipv4 = addresses.find(({ family }) => family === "IPv4");
    if (ipv4 !== undefined) {
      links.push({ label: `${name} (IPv4)`, family: 4, handle: ipv4.address, group: groups[4] });
    }
    const ipv6 = addresses.filter((address) => address.family === "IPv6");
    if (ipv6.length > 0) {
      // Windows numbers its interfaces, other systems name them.
      const index = ipv6.find(({ scopeid = 0 }) => scopeid > 0)?.scopeid ?? 0;
      const zone = process.platform === "win32" ? String(index) : name;
      links.push({ label: `${name} (IPv6)`, family: 6, handle: `::%${zone}`, group: `${groups[6]}%${zone}` });
    }
    return links;
  });
}

/** @param shared whether other sockets may use the same port: never for a port that the system chooses */
function newSocket(family: Family, shared: boolean): Socket {
  return family === 4
    ? createSocket({ type: "udp4", reuseAddr: shared })
    : createSocket({ type: "udp6", reuseAddr: shared, ipv6Only: true });
}

async function bind(socket: Socket, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.once("listening", resolve);
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("closed")));
    // `exclusive`: a cluster worker has sockets of its own, for it has answers of its own.
    socket.bind({ port, exclusive: true });
  });
}

async function sendOn(socket: Socket, bytes: Buffer, port: number, to: string): Promise<unknown> {
  return new Promise((resolve) => {
    try {
      socket.send(bytes, port, to, (error) => resolve(error ?? undefined));
    } catch (error) {
      // Closed while it was waiting for its turn.
      resolve(error);
    }
  });
}

function shut(socket: Socket): void {
  try {
    socket.close();
  } catch {
    // Closed already, by its own error.
  }
}

function codeOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
}

function describe(error: unknown): string {
  const code = codeOf(error);
  return typeof code === "string" ? code : String(error);
}
