import { MicroError, newService } from "ts-micro";
import { decodeRecord, newRecord } from "ts-micro/store";

interface Guest {
  visits: number;
}

const service = newService({ name: "visits" });

await service.run(async () => {
  const { store } = service;
  for (const name of service.args) {
    const key = `guest/${name}`;
    const { visits } = await guestOf(key);
    await store.write(newRecord(key, { visits: visits + 1 }));
  }
  await store.write(newRecord("session", service.args), { ttlMs: 60_000 });

  // The keys that begin with `guest/`, in their order.
  for (const record of await store.read("guest/", { prefix: true })) {
    console.log(`${record.key}: ${decodeRecord<Guest>(record).visits}`);
  }
});

async function guestOf(key: string): Promise<Guest> {
  try {
    const [record] = await service.store.read(key);
    return record === undefined ? { visits: 0 } : decodeRecord<Guest>(record);
  } catch (error) {
    if (MicroError.is(error) && error.code === 404) return { visits: 0 };
    throw error;
  }
}
