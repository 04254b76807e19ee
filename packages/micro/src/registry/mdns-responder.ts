/**
 * What a go-micro responder says to a question (`util/mdns/zone.go`, `registry/mdns_registry.go`): nothing here
 * knows of sockets.
 */
import type { Answer, Packet, Question } from "dns-packet";
import { catalogName, serviceName, typeCatalogName } from "./mdns-names.ts";
import {
  addressRecord,
  catalogRecords,
  encodeAnswer,
  type Instance,
  instanceRecords,
  locationRecords,
  textRecord,
  typeCatalogRecord,
} from "./mdns-wire.ts";

/** Service name → the instances that this process has registered. */
export type Zone = ReadonlyMap<string, readonly Instance[]>;

export interface ResponderOptions {
  readonly domain: string;
  readonly hostname: string;
}

/** Nobody asks more in one packet; each question may cost an answer per node. */
const maxQuestions = 16;

/** One packet per question and instance, to be sent to the asker at once. */
export function answersTo(query: Packet, zone: Zone, options: ResponderOptions): Buffer[] {
  const questions = (query.questions ?? []).slice(0, maxQuestions);
  return questions.flatMap((asked) => {
    const unicast = wantsUnicast(asked);
    if (!unicast && asked.class !== "IN" && asked.class !== "ANY") return [];
    const question: Question = { ...asked, class: "IN" };
    const id = unicast ? (query.id ?? 0) : 0;
    return recordSets(question, zone, options).map((answers) => encodeAnswer(id, question, answers));
  });
}

/** Go's rules: names are compared exactly, and what isn't asked for by its type isn't given. */
function recordSets(question: Question, zone: Zone, { domain, hostname }: ResponderOptions): Answer[][] {
  const { name } = question;
  const type: string = question.type;
  const forPointers = type === "PTR" || type === "ANY";
  const services = [...zone.keys()];
  if (name === catalogName(domain)) {
    return forPointers ? services.map((service) => catalogRecords(service, hostname, domain)) : [];
  }
  if (name === typeCatalogName(domain)) {
    return forPointers ? services.map((service) => [typeCatalogRecord(name, service, domain)]) : [];
  }
  const sets: Answer[][] = [];
  for (const [service, instances] of zone) {
    const isService = name === serviceName(service, domain);
    for (const instance of instances) {
      if (isService) sets.push(forPointers ? instanceRecords(instance, service, domain) : []);
      else if (name === instance.name) sets.push(aboutInstance(type, instance));
      else if (name === instance.hostname) sets.push(addressOf(type, instance));
    }
  }
  return sets.filter((answers) => answers.length > 0);
}

function aboutInstance(type: string, instance: Instance): Answer[] {
  switch (type) {
    case "ANY":
      return [...locationRecords(instance), textRecord(instance)];
    case "SRV":
      return locationRecords(instance);
    case "TXT":
      return [textRecord(instance)];
    default:
      return addressOf(type, instance);
  }
}

function addressOf(type: string, instance: Instance): Answer[] {
  const record = addressRecord(instance);
  return record.type === type ? [record] : [];
}

/** The top bit of a question's class (RFC 6762 §5.4). dns-packet knows no such class and spells it out. */
function wantsUnicast(question: Question): boolean {
  return String(question.class) === "UNKNOWN_32769";
}
