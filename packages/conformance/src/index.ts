export { type CodecSubject, codecConformance } from "./codec.ts";
