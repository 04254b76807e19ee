import kafkajs, { type Assigner, type GroupMember } from "kafkajs";

const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol;

/**
 * How the member that leads a group divides its partitions: Kafka's `range`, topic by topic among the members that
 * subscribe to it.
 *
 * The library's own gives what the leader subscribes to to everybody, and nobody the rest; a queue name may serve many
 * topics. By this name, which is the default of sarama and of Java, their members can be in a group with ours.
 *
 * @param partitionsOf none for a topic that doesn't exist
 */
export function rangeAssigner(partitionsOf: (topic: string) => Promise<readonly number[]>): Assigner {
  const [name, version] = ["range", 0];
  return {
    name,
    version,
    protocol: ({ topics }) => ({
      name,
      metadata: MemberMetadata.encode({ version, topics, userData: Buffer.alloc(0) }),
    }),
    async assign({ members }) {
      const wanted = membersByTopic(members);
      const assigned = new Map(members.map(({ memberId }) => [memberId, {} as Record<string, number[]>]));
      await Promise.all(
        [...wanted].map(async ([topic, ids]) => {
          const partitions = [...(await partitionsOf(topic))].sort((a, b) => a - b);
          for (const [index, id] of ids.sort().entries()) {
            const [from, to] = [index, index + 1].map((each) =>
              Math.ceil((each * partitions.length) / ids.length),
            );
            const own = partitions.slice(from, to);
            const assignment = assigned.get(id);
            if (own.length > 0 && assignment !== undefined) assignment[topic] = own;
          }
        }),
      );
      return [...assigned].map(([memberId, assignment]) => ({
        memberId,
        memberAssignment: MemberAssignment.encode({ version, assignment, userData: Buffer.alloc(0) }),
      }));
    },
  };
}

function membersByTopic(members: readonly GroupMember[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { memberId, memberMetadata } of members) {
    for (const topic of MemberMetadata.decode(memberMetadata)?.topics ?? []) {
      found.set(topic, [...(found.get(topic) ?? []), memberId]);
    }
  }
  return found;
}
