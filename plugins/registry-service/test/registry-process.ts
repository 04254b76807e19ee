/** A registry behind a service that can be killed: `node registry-process.js <address>`. It forgets all with its end. */
import { startRegistryService } from "./registry-service.ts";

await startRegistryService(process.argv[2]);
