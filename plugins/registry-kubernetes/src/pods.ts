/**
 * Records on pods, as go-micro keeps them (go-plugins `registry/kubernetes/kubernetes.go` @ v2.9.1): a service's own pod has a
 * label by which it is found, and the record as an annotation.
 *
 * There is place for one version of a service. Further ones, which go-micro would write over it, stand in an annotation
 * of ours.
 */
import { badRequest } from "ts-micro";
import { byVersion, type Service, serviceFromJson, serviceToJson } from "ts-micro/registry";
import type { KubernetesObject } from "./reflector.ts";

export interface Pod extends KubernetesObject {
  metadata: {
    name: string;
    resourceVersion?: string;
    annotations?: Record<string, string> | null;
    deletionTimestamp?: string;
  };
  status?: { phase?: string };
}

/** What a patch sets on a pod; `null` takes it away. */
export interface PodPatch {
  metadata: { labels: Record<string, string | null>; annotations: Record<string, string | null> };
}

const typeLabel = "micro.mu/type";
const service = "service";

/** Kubernetes allows 63 characters behind the `/`, of which `selector-` takes nine. */
const longestName = 54;

export function podsPath(namespace: string, name?: string): string {
  const selector = name === undefined ? typeLabel : `micro.mu/selector-${labelOf(name)}`;
  return `/api/v1/namespaces/${namespace}/pods?labelSelector=${encodeURIComponent(`${selector}=${service}`)}`;
}

export function podPath(namespace: string, pod: string): string {
  return `/api/v1/namespaces/${namespace}/pods/${encodeURIComponent(pod)}`;
}

/** @throws MicroError 400 for a name that makes no label */
export function checkName(name: string): void {
  const label = labelOf(name);
  if (label.length <= longestName && /[A-Za-z0-9]$/.test(label)) return;
  throw badRequest(
    "go.micro.registry",
    `kubernetes: the service name "${name}" makes no label; it may have ${longestName} bytes and must end with a letter or digit`,
  );
}

/** @param records one for each version, the oldest first; none to take all away */
export function patchFor(name: string, records: readonly Service[]): PodPatch {
  const [first, ...others] = records;
  const label = labelOf(name);
  return {
    metadata: {
      labels: {
        [`micro.mu/selector-${label}`]: first === undefined ? null : service,
        // As go-micro, which leaves it on the pod.
        ...(first !== undefined && { [typeLabel]: service }),
      },
      annotations: {
        [`micro.mu/service-${label}`]: first === undefined ? null : serviceToJson(first),
        [`micro.mu/services-${label}`]:
          others.length === 0 ? null : `[${others.map(serviceToJson).join(",")}]`,
      },
    },
  };
}

/** The records on the pods that run, or those of the service `name`; what can't be read is passed over. */
export function podRecords(pods: Iterable<Pod>, name?: string): Service[] {
  const records = [...pods]
    .filter(({ status, metadata }) => status?.phase === "Running" && metadata.deletionTimestamp === undefined)
    .flatMap(({ metadata }) => Object.entries(metadata.annotations ?? {}))
    .flatMap(([key, value]) => recordsIn(key, value))
    .filter((record) => name === undefined || record.name === name);
  const names = [...new Set(records.map((record) => record.name))].sort();
  return names.flatMap((each) => byVersion(records.filter((record) => record.name === each)));
}

function recordsIn(key: string, value: string): Service[] {
  try {
    if (key.startsWith("micro.mu/service-")) return [serviceFromJson(value)];
    if (!key.startsWith("micro.mu/services-")) return [];
    return (JSON.parse(value) as unknown[]).map((record) => serviceFromJson(JSON.stringify(record)));
  } catch {
    return [];
  }
}

/** Byte by byte, as go-micro. */
function labelOf(name: string): string {
  return Buffer.from(name)
    .toString("latin1")
    .replace(/[^-A-Za-z0-9_.]/g, "_");
}
