/**
 * The greeter as a program, for which nothing is chosen: the clients and servers that interop/package.json names as
 * dependencies stand beside the default ones.
 *
 *     SERVICE=<name> node greeter-program.js [ts-micro's flags]
 */
import { newService } from "ts-micro";
import { serveGreeter } from "./greeter.ts";

const { SERVICE: name = "greeter" } = process.env;
const service = newService({ name });
serveGreeter(service);
await service.run();
