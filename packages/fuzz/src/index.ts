export { type FuzzOptions, fuzzTest, type Round } from "./fuzz-test.ts";
export { mutated } from "./mutate.ts";
export { cutInto, pieces, splits } from "./pieces.ts";
export { newRandom, type Random } from "./random.ts";
export { type StrangeServer, sendTo, startStrangeServer } from "./strangers.ts";
