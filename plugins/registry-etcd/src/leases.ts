import type { Service } from "ts-micro/registry";
import { serviceToJson } from "ts-micro/registry";
import { EtcdError, grpcCode } from "./etcd-error.ts";
import type { Gateway } from "./gateway.ts";
import { encode, nodeKey } from "./keys.ts";

interface Lease {
  readonly id: string;
  readonly ttlSeconds: number;
}

/** For an entry that stays. */
const noLease = "0";

/**
 * Writes nodes, each below a lease of its own: go-micro's watchers lose all but the first of several changes at once.
 *
 * A lease is renewed by each registration, as in go-micro v2.9.1, and by nothing else: a process that hangs must
 * go. Nothing that this process remembers is believed without asking etcd, so a registration also repairs what was
 * lost: the lease after a pause, the entry after a deletion, everything after etcd lost its data.
 */
export class Leases {
  readonly #gateway: Gateway;
  readonly #leases = new Map<string, Lease>();

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  /** @param record a service with one node */
  async put(record: Service, id: string, ttlMs: number | undefined): Promise<void> {
    const key = nodeKey(record.name, id);
    const value = encode(serviceToJson(record));
    for (let isFirst = true; ; isFirst = false) {
      const lease = await this.#aliveLease(key, ttlMs);
      try {
        return await this.#putIfDifferent(encode(key), value, lease);
      } catch (error) {
        const isLost = error instanceof EtcdError && error.grpcCode === grpcCode.notFound;
        if (!isLost || !isFirst) throw error;
        this.#leases.delete(key);
      }
    }
  }

  async delete(service: string, id: string): Promise<void> {
    const key = nodeKey(service, id);
    // What is left of its lease runs out with nothing below it, as go-micro leaves it.
    this.#leases.delete(key);
    await this.#gateway.call("kv/deleterange", { key: encode(key) });
  }

  async #aliveLease(key: string, ttlMs: number | undefined): Promise<string> {
    if (ttlMs === undefined || ttlMs <= 0) {
      this.#leases.delete(key);
      return noLease;
    }
    const ttlSeconds = Math.ceil(ttlMs / 1_000);
    const known = this.#leases.get(key);
    if (known?.ttlSeconds === ttlSeconds && (await this.#renew(known))) return known.id;
    const granted = (await this.#gateway.call("lease/grant", { TTL: ttlSeconds })) as { ID: string };
    this.#leases.set(key, { id: granted.ID, ttlSeconds });
    return granted.ID;
  }

  /** False when etcd doesn't know the lease any more. */
  async #renew({ id }: Lease): Promise<boolean> {
    const answer = (await this.#gateway.call("lease/keepalive", { ID: id })) as { result?: { TTL?: string } };
    return Number(answer.result?.TTL ?? 0) > 0;
  }

  /** An entry that is there already is not written again, so that nobody is told of a change. */
  async #putIfDifferent(key: string, value: string, lease: string): Promise<void> {
    await this.#gateway.call("kv/txn", {
      compare: [
        { key, target: "LEASE", result: "EQUAL", lease },
        { key, target: "VALUE", result: "EQUAL", value },
      ],
      failure: [{ request_put: { key, value, lease } }],
    });
  }
}
