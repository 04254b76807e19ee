import { GrpcError, statusCode } from "@ts-micro/grpc-wire";
import { type Handler, newHandler, type WireHost } from "ts-micro/server";
import { Health, HealthCheckResponse_ServingStatus as Status } from "./gen/grpc/health/v1/health_pb.ts";

/**
 * `grpc.health.v1.Health`: the server as a whole under the empty name and the service's own, and each of its
 * handlers by any name that calls reach it by. All have the server's state: SERVING while it is ready, which it
 * is not before it is registered, while `registerCheck` fails, and from the beginning of draining.
 *
 * @param closing ends the watches, which would keep a server from stopping
 */
export function newHealth(
  host: Pick<WireHost, "settings" | "router" | "readiness">,
  closing: AbortSignal,
): Handler {
  const statusOf = (service: string): Status => {
    if (!isKnown(service)) return Status.SERVICE_UNKNOWN;
    return host.readiness.ready ? Status.SERVING : Status.NOT_SERVING;
  };

  return newHandler(
    Health,
    {
      check({ service }) {
        const status = statusOf(service);
        if (status === Status.SERVICE_UNKNOWN) {
          const message = `unknown service ${JSON.stringify(service)}`;
          throw new GrpcError({ code: statusCode.notFound, message });
        }
        return { status };
      },

      list() {
        const handlers = host.router.handlers().filter(({ internal }) => !internal);
        const names = ["", ...handlers.map(({ name, schema }) => schema?.typeName ?? name)];
        return { statuses: Object.fromEntries(names.map((name) => [name, { status: statusOf(name) }])) };
      },

      async *watch({ service }, context) {
        const ended = AbortSignal.any([closing, context.signal]);
        let sent: Status | undefined;
        while (!ended.aborted) {
          const status = statusOf(service);
          if (status === sent) await change(ended);
          else yield { status };
          sent = status;
        }
      },
    },
    { internal: true },
  );

  function isKnown(service: string): boolean {
    if (service === "" || service === host.settings.name) return true;
    const last = service.slice(service.lastIndexOf(".") + 1);
    return host.router.handlers().some(({ name, schema }) => schema?.typeName === service || name === last);
  }

  /** Resolves when a status may have changed, or nobody waits for it any more. */
  function change(ended: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const settle = (): void => {
        unobserve();
        ended.removeEventListener("abort", settle);
        resolve();
      };
      const unobserve = host.readiness.observe(settle);
      ended.addEventListener("abort", settle);
    });
  }
}
