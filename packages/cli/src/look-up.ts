import { internalServerError, MicroError, type Service } from "ts-micro";
import { didYouMean } from "ts-micro/cmd";
import type { Service as ServiceRecord } from "ts-micro/registry";

/**
 * What the selector knows of a service. The client looks into the same, so that a call that follows asks nobody
 * again.
 * @throws MicroError that says what to do when nobody has that name
 */
export async function lookUp(service: Service, name: string): Promise<readonly ServiceRecord[]> {
  let found: readonly ServiceRecord[] = [];
  try {
    await service.selector.select(name, {
      filters: [
        (services) => {
          found = services;
          return services;
        },
      ],
    });
  } catch (error) {
    throw MicroError.is(error) && error.reason === "service-not-found"
      ? await notFound(service, name)
      : error;
  }
  return found;
}

async function notFound({ registry }: Service, name: string): Promise<MicroError> {
  const records = await registry.listServices().catch(() => []);
  const near = didYouMean(
    name,
    records.map((record) => record.name),
  );
  const hint = near === undefined ? "micro services lists what is there" : `did you mean ${near}?`;
  return internalServerError(
    "go.micro.client",
    `service ${name}: not found in registry ${registry.name}; ${hint}`,
    { reason: "service-not-found" },
  );
}
