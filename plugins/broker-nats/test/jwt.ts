import { nkeys } from "@nats-io/transport-node";

/** A server's configuration in operator mode, and the `.creds` file of one of its users. */
export function newCredentials(): { config: string; creds: string } {
  const [operator, account, user] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createUser()];
  const operatorToken = token(operator, operator, "operator");
  const accountToken = token(operator, account, "account");
  const userToken = token(account, user, "user");
  const preload = `resolver_preload: { ${account.getPublicKey()}: ${accountToken} }`;
  return {
    config: `operator: ${operatorToken}\nresolver: MEMORY\n${preload}`,
    creds: [
      "-----BEGIN NATS USER JWT-----",
      userToken,
      "------END NATS USER JWT------",
      "",
      "-----BEGIN USER NKEY SEED-----",
      Buffer.from(user.getSeed()).toString(),
      "------END USER NKEY SEED------",
      "",
    ].join("\n"),
  };
}

type KeyPair = ReturnType<typeof nkeys.createUser>;

/** A JWT of NATS's kind: signed with the issuer's NKEY. */
function token(issuer: KeyPair, subject: KeyPair, type: "operator" | "account" | "user"): string {
  const unlimited = { subs: -1, data: -1, payload: -1 };
  const limits = { ...unlimited, conn: -1, leaf: -1, imports: -1, exports: -1, wildcards: true };
  const nats = {
    operator: {},
    account: { limits },
    user: { pub: {}, sub: {}, ...unlimited },
  }[type];
  const claims = {
    jti: subject.getPublicKey(),
    iat: Math.floor(Date.now() / 1_000),
    iss: issuer.getPublicKey(),
    name: type,
    sub: subject.getPublicKey(),
    nats: { ...nats, type, version: 2 },
  };
  const signed = [{ typ: "JWT", alg: "ed25519-nkey" }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  return `${signed}.${Buffer.from(issuer.sign(Buffer.from(signed))).toString("base64url")}`;
}
