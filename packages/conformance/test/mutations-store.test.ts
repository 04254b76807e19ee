import { mutationTests } from "./mutate.ts";

await mutationTests("store");
