/**
 * What Kubernetes itself knows of a `Service`: its endpoints that are ready. So services that register nowhere are found by the
 * name of their Kubernetes Service, whatever they are written in.
 */
import { isIPv6 } from "node:net";
import type { Node, Service } from "ts-micro/registry";
import type { KubernetesObject } from "./reflector.ts";

export interface EndpointSlice extends KubernetesObject {
  metadata: { name: string; resourceVersion?: string; labels?: Record<string, string> | null };
  endpoints?:
    | {
        addresses?: string[];
        conditions?: { ready?: boolean | null };
        targetRef?: { kind?: string; name?: string };
      }[]
    | null;
  ports?: { name?: string | null; port?: number | null; appProtocol?: string | null }[] | null;
}

const serviceNameLabel = "kubernetes.io/service-name";

export function slicesPath(namespace: string, name?: string): string {
  const selector = name === undefined ? serviceNameLabel : `${serviceNameLabel}=${labelValue(name)}`;
  return `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices?labelSelector=${encodeURIComponent(selector)}`;
}

/** One record without a version for each Kubernetes Service; a node for each address and port that is ready. */
export function sliceRecords(slices: Iterable<EndpointSlice>): Service[] {
  const nodesByName = new Map<string, Node[]>();
  for (const slice of slices) {
    const name = slice.metadata.labels?.[serviceNameLabel];
    if (name === undefined) continue;
    nodesByName.set(name, [...(nodesByName.get(name) ?? []), ...nodesOf(slice)]);
  }
  return [...nodesByName].map(([name, nodes]) => ({ name, version: "", metadata: {}, endpoints: [], nodes }));
}

function nodesOf({ endpoints, ports }: EndpointSlice): Node[] {
  const ready = (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false);
  return ready.flatMap(({ addresses = [] }) =>
    addresses.flatMap((host) => (ports ?? []).flatMap((port) => nodeAt(host, port) ?? [])),
  );
}

type Port = NonNullable<EndpointSlice["ports"]>[number];

function nodeAt(host: string, { name, port, appProtocol }: Port): Node | undefined {
  if (port === undefined || port === null) return undefined;
  const address = isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
  const isGrpc =
    appProtocol === "grpc" || appProtocol === "kubernetes.io/h2c" || /^grpc(-|$)/.test(name ?? "");
  return { id: address, address, metadata: isGrpc ? { protocol: "grpc" } : {} };
}

/** A name that can't be a Kubernetes Service's selects nothing: an empty value never stands there. */
function labelValue(name: string): string {
  return /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name) ? name : "";
}
