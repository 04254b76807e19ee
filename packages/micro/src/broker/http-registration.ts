import type { Logger } from "../logger.ts";
import type { Registry, Service } from "../registry/registry.ts";

/** Keeps a record in the registry until it is ended. */
export interface Registration {
  /** Takes the record out. A registry that fails is logged: the record expires. Idempotent. */
  end(): Promise<void>;
}

export interface RegistrationSetup {
  /** Asked for each time, because the registry of a service can be replaced. */
  registry: () => Registry;
  service: Service;
  ttlMs: number;
  intervalMs: number;
  logger: Logger;
}

/** @throws what the registry throws when the record can't be registered the first time. */
export async function keepRegistered(setup: RegistrationSetup): Promise<Registration> {
  const { registry, service, ttlMs, intervalMs, logger } = setup;
  await registry().register(service, { ttlMs });
  let renewing: Promise<void> | undefined;
  let ended: Promise<void> | undefined;
  const timer = setInterval(() => {
    renewing ??= renew().finally(() => {
      renewing = undefined;
    });
  }, intervalMs);
  timer.unref();
  return {
    end() {
      ended ??= end();
      return ended;
    },
  };

  async function renew(): Promise<void> {
    try {
      await registry().register(service, { ttlMs });
    } catch (thrown) {
      logger.warn(`${service.nodes[0]?.id} could not be registered again: ${String(thrown)}`);
    }
  }

  async function end(): Promise<void> {
    clearInterval(timer);
    // A registration that is under way would bring the record back.
    await renewing;
    try {
      await registry().deregister(service);
    } catch (thrown) {
      logger.warn(`${service.nodes[0]?.id} could not be deregistered and will expire: ${String(thrown)}`);
    }
  }
}
