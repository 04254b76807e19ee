import { internalServerError, type Service } from "ts-micro";
import type { Service as ServiceRecord } from "ts-micro/registry";

/** @throws MicroError `service-not-found`, with the words of a call that finds nobody */
export async function findService(service: Service, name: string): Promise<ServiceRecord[]> {
  const records = await service.registry.getService(name);
  if (records.length > 0) return records;
  throw internalServerError(
    "go.micro.client",
    `service ${name}: not found in registry ${service.registry.name}`,
    {
      reason: "service-not-found",
    },
  );
}
