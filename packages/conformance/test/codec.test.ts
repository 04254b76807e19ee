import * as codecs from "ts-micro/codec";
import { codecSuites } from "./codec-suites.ts";

codecSuites(codecs);
