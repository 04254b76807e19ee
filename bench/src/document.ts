/** What services really send each other: an order as a shop has it, and a page of such. */
export interface Order {
  readonly id: string;
  readonly [member: string]: unknown;
}

/** About a KiB as JSON: nested objects, an array of small ones, short texts, prices, times, flags. */
export function order(number: number): Order {
  const at = 1_795_788_000_000 + number;
  return {
    id: `order-${100_000 + number}`,
    customerId: 48_210 + number,
    status: number % 3 === 0 ? "open" : "shipped",
    currency: "EUR",
    createdAt: "2026-11-27T14:03:22.511Z",
    updatedAt: at,
    paid: true,
    note: null,
    total: 149.85 + number,
    shippingAddress: {
      name: "Erika Mustermann",
      street: "Heidestra\u00dfe 17",
      postalCode: "51147",
      city: "K\u00f6ln",
      country: "DE",
      location: { latitude: 50.8776, longitude: 7.0953 },
    },
    lines: [
      line("SKU-10023", "Cast iron pan, 28 cm", 1, 49.95, ["kitchen", "iron"]),
      line("SKU-20417", "Wooden spoon", 3, 4.5, ["kitchen"]),
      line("SKU-77812", "Pepper mill, oak", 2, 24.9 + number, []),
      line("SKU-40055", "Linen tea towel", 4, 9.25, ["kitchen", "textile"]),
    ],
    history: [
      { at: at - 90_000, by: "web", event: "created" },
      { at: at - 60_000, by: "billing", event: "paid" },
    ],
  };
}

/** About 64 KiB as JSON. */
export function orders(): Order {
  return { id: "page-1", more: true, items: Array.from({ length: 64 }, (_, number) => order(number)) };
}

function line(
  sku: string,
  title: string,
  quantity: number,
  unitPrice: number,
  tags: readonly string[],
): object {
  return { sku, title, quantity, unitPrice, taxRate: 0.19, discounted: quantity > 2, tags };
}
