import { badRequest } from "ts-micro";
import { byVersion, type Service, withNodes } from "ts-micro/registry";
import type { Api } from "./api.ts";
import { checkName, patchFor, podPath } from "./pods.ts";

/** What this process has registered, on the pod that it runs in. */
export class Registrations {
  readonly #api: Api;
  readonly #namespace: string;
  readonly #podName: string | undefined;
  /** Records of one node each, by service. */
  readonly #records = new Map<string, Map<string, Service>>();
  #changing: Promise<unknown> = Promise.resolve();

  constructor(api: Api, { namespace, podName }: { namespace: string; podName: string | undefined }) {
    this.#api = api;
    this.#namespace = namespace;
    this.#podName = podName;
  }

  async put(service: Service): Promise<void> {
    checkName(service.name);
    const given = structuredClone(service);
    await this.#change(service.name, (records) => {
      for (const node of given.nodes) {
        // To the end: of metadata and endpoints the last record's count.
        records.delete(node.id);
        records.set(node.id, withNodes(given, [node]));
      }
    });
  }

  async delete({ name, nodes }: Service): Promise<void> {
    const ids = nodes.map(({ id }) => id);
    await this.#change(name, (records) => {
      for (const id of ids) records.delete(id);
    });
  }

  /** One after the other, so that the last state is the one that stays; one that failed counts for nothing. */
  #change(name: string, change: (records: Map<string, Service>) => void): Promise<void> {
    const changed = this.#changing.then(async () => {
      if (this.#podName === undefined || this.#podName === "") throw withoutPod();
      const records = new Map(this.#records.get(name));
      change(records);
      const patch = patchFor(name, byVersion(records.values()));
      await this.#api.patch(podPath(this.#namespace, this.#podName), patch);
      this.#records.set(name, records);
    });
    this.#changing = changed.catch(() => {});
    return changed;
  }
}

function withoutPod() {
  return badRequest(
    "go.micro.registry",
    "kubernetes: services register on their own pod, but HOSTNAME doesn't name one; give --kubernetes_pod",
  );
}
