/**
 * What a go-micro responder says to a question (`util/mdns/zone.go`, `registry/mdns_registry.go`): nothing here
 * knows of sockets.
 */
import { type DnsMessage, type DnsQuestion, type DnsRecord, dnsClass } from "./dns-message.ts";
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

const classes: readonly number[] = Object.values(dnsClass);

/** One packet per question and instance, to be sent to the asker at once. */
export function answersTo(query: DnsMessage, zone: Zone, options: ResponderOptions): Buffer[] {
  const questions = query.questions.slice(0, maxQuestions);
  return questions.flatMap((asked) => {
    if (!classes.includes(asked.class)) return [];
    const question = { ...asked, class: dnsClass.internet };
    const id = asked.class === dnsClass.unicast ? query.id : 0;
    return recordSets(question, zone, options).map((answers) => encodeAnswer(id, question, answers));
  });
}

/** Go's rules: names are compared exactly, and what isn't asked for by its type isn't given. */
function recordSets(
  question: DnsQuestion,
  zone: Zone,
  { domain, hostname }: ResponderOptions,
): DnsRecord[][] {
  const { name, type } = question;
  const forPointers = type === "PTR" || type === "ANY";
  const services = [...zone.keys()];
  if (name === catalogName(domain)) {
    return forPointers ? services.map((service) => catalogRecords(service, hostname, domain)) : [];
  }
  if (name === typeCatalogName(domain)) {
    return forPointers ? services.map((service) => [typeCatalogRecord(name, service, domain)]) : [];
  }
  const sets: DnsRecord[][] = [];
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

function aboutInstance(type: string, instance: Instance): DnsRecord[] {
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

function addressOf(type: string, instance: Instance): DnsRecord[] {
  const record = addressRecord(instance);
  return record.type === type ? [record] : [];
}
