/**
 * The errors that all stores have in common.
 */
import { type MicroError, notFound, serviceUnavailable } from "../errors.ts";
import type { StorePlace } from "./store.ts";

/** Who made the errors, as `go.micro.client` is for clients. */
export const storeId = "go.micro.store";

/** go-micro's `store.ErrNotFound`. */
export function recordNotFound(key: string, { database, table }: Required<StorePlace>): MicroError {
  return notFound(storeId, `there is no record "${key}" in ${database}/${table}`);
}

export function storeClosed(name: string): MicroError {
  return serviceUnavailable(storeId, `the ${name} store was closed; make a new one`, { reason: "closed" });
}
