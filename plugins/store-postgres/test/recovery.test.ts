import { postgres, startPostgres, storeRecovery } from "@ts-micro/conformance";
import { newStore } from "@ts-micro/store-postgres";

storeRecovery("postgres", { start: () => startPostgres(), create: newStore, skip: postgres().skip });
