import type { Answer } from "dns-packet";
import { newDnsSelector, newSelector, newStaticSelector } from "ts-micro/selector";
import { selectorConformance } from "../src/index.ts";
import { startDnsServer } from "./dns-server.ts";

selectorConformance("registry", { create: (options) => newSelector(options) });

selectorConformance("static", {
  start: () => ({ addresses: [] as string[] }),
  create: (options, { addresses }) => newStaticSelector({ ...options, addresses }),
  place(_service, records, engine) {
    engine.addresses = addressesOf(records);
  },
  supports: { services: false, filters: false, records: false, changes: false, observes: false },
});

selectorConformance("dns", {
  start: startDnsServer,
  create: (options, { address }) => newDnsSelector({ ...options, addresses: [address], ttlMs: 1 }),
  place(service, records, { zone }) {
    const name = `_${service}._tcp.local`;
    const answers = addressesOf(records).map((address): Answer => {
      const [target = "", port] = address.split(":");
      return { type: "SRV", name, class: "IN", ttl: 0, data: { target, port: Number(port) } };
    });
    if (answers.length === 0) zone.delete(name);
    else zone.set(name, answers);
  },
  supports: { records: false },
});

function addressesOf(records: readonly { nodes: readonly { address: string }[] }[]): string[] {
  return records.flatMap(({ nodes }) => nodes.map(({ address }) => address));
}
