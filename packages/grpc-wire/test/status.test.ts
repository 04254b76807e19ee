import assert from "node:assert/strict";
import { test } from "node:test";
import { fuzzTest } from "@ts-micro/fuzz";
import { MicroError, notFound } from "ts-micro";
import { GrpcError, isGrpcError, readStatus, statusOf, writeStatus } from "../src/index.ts";

/** Spec'd by go-micro's `server/grpc/error.go`. */
const codes = {
  400: 3,
  401: 16,
  403: 7,
  404: 5,
  408: 4,
  409: 6,
  412: 9,
  500: 13,
  501: 12,
  503: 14,
  200: 2,
  418: 2,
  429: 2,
};

/** `go.micro.srv.greeter` has no such user: code, JSON text and `errors.Error`, as go-micro sends them. */
const noSuchUser = {
  "grpc-status": "5",
  "grpc-message": '{"id":"go.micro.srv.greeter","code":404,"detail":"no such user","status":"Not Found"}',
  "grpc-status-details-bin":
    "CAUSVXsiaWQiOiJnby5taWNyby5zcnYuZ3JlZXRlciIsImNvZGUiOjQwNCwiZGV0YWlsIjoibm8gc3VjaCB1c2VyIiwic3RhdHVzIjoi" +
    "Tm90IEZvdW5kIn0aVgogdHlwZS5nb29nbGVhcGlzLmNvbS9lcnJvcnMuRXJyb3ISMgoUZ28ubWljcm8uc3J2LmdyZWV0ZXIQlAMaDG5v" +
    "IHN1Y2ggdXNlciIJTm90IEZvdW5k",
};

function headersOf(error: MicroError): Record<string, string> {
  const headers = {};
  writeStatus(error, headers);
  return headers;
}

test("codes become statuses by go-micro's table", () => {
  for (const [code, status] of Object.entries(codes)) {
    assert.equal(statusOf(new MicroError({ id: "x", code: Number(code) })).code, status, code);
  }
});

test("a MicroError is written as go-micro writes it, byte by byte", () => {
  assert.deepEqual(headersOf(notFound("go.micro.srv.greeter", "no such user")), noSuchUser);
});

test("an error with neither id nor code is a plain text", () => {
  assert.deepEqual(headersOf(new MicroError({ detail: "unknown service Nope" })), {
    "grpc-status": "2",
    "grpc-message": "unknown service Nope",
  });
});

test("a GrpcError is written with exactly its status", () => {
  const details = [
    { typeUrl: "type.googleapis.com/google.rpc.RetryInfo", value: Buffer.from([10, 2, 8, 5]) },
  ];
  const headers = headersOf(new GrpcError({ code: 8, message: "100 % ümlaut\n", details }));
  assert.equal(headers["grpc-status"], "8");
  assert.equal(headers["grpc-message"], "100 %25 %C3%BCmlaut%0A");
  assert.deepEqual(readStatus(headers)?.grpc, { code: 8, message: "100 % ümlaut\n", details });
  assert.equal(headersOf(new GrpcError({ code: 5, message: "gone" }))["grpc-status-details-bin"], undefined);
});

test("status 0 is no error", () => {
  assert.equal(readStatus({ "grpc-status": "0", "grpc-message": "" }), undefined);
});

test("go-micro's error is read from the first detail, else from the message", () => {
  const whole = { id: "go.micro.srv.greeter", code: 404, detail: "no such user", status: "Not Found" };
  const { "grpc-message": message, "grpc-status-details-bin": details, ...status } = noSuchUser;
  assert.deepEqual(
    readStatus({ ...status, "grpc-message": "anything", "grpc-status-details-bin": details })?.toJSON(),
    whole,
  );
  assert.deepEqual(readStatus({ ...status, "grpc-message": message })?.toJSON(), whole);
  const conflict = {
    "grpc-status": "13",
    "grpc-message": '{"id":"x","code":409,"detail":"busy","status":"Conflict"}',
  };
  const error = readStatus(conflict);
  assert.equal(error?.code, 409, "the JSON wins over the status");
  assert.ok(isGrpcError(error) && error.grpc.code === 13);
});

test("a plain status becomes an error of the client, by the table backwards", () => {
  const expected = {
    3: 400,
    4: 408,
    5: 404,
    6: 409,
    7: 403,
    9: 412,
    12: 501,
    13: 500,
    14: 503,
    16: 401,
    2: 500,
    15: 500,
  };
  for (const [status, code] of Object.entries(expected)) {
    const error = readStatus({ "grpc-status": status, "grpc-message": "no %E2%98%83" });
    assert.deepEqual([error?.id, error?.code, error?.detail], ["go.micro.client", code, "no ☃"], status);
    assert.equal(error?.reason, undefined);
  }
});

test("what is no status is an unknown one", () => {
  for (const value of [undefined, "", "x", "-1", "1.5"]) {
    assert.equal(
      readStatus({ "grpc-status": value, "grpc-message": "m" })?.grpc.code,
      value === "" ? undefined : 2,
    );
  }
});

test("any error comes back whole", () => {
  for (const fields of [
    { id: "a", code: 500, detail: "ümlaut 日本語 100 %\n", status: "Internal Server Error" },
    { id: "", code: 409, detail: "without an id", status: "Conflict" },
    { id: "b", code: 418, detail: "", status: "I'm a teapot" },
    { id: "c", code: -7, detail: "negative", status: "odd" },
  ]) {
    const read = readStatus(headersOf(new MicroError(fields)));
    const { id, code, detail, status } = read as MicroError;
    assert.deepEqual({ id, code, detail, status }, fields);
  }
});

test("an error that is too long for headers is cut, and says so", () => {
  const headers = headersOf(notFound("x", "y".repeat(100_000)));
  assert.ok(Buffer.byteLength(JSON.stringify(headers)) < 16 * 1024);
  assert.match(readStatus(headers)?.detail ?? "", /^y{4096}… \(95904 characters more\)$/);
});

fuzzTest("damaged details never throw, and leave code and message", { rounds: 500 }, (random) => {
  const bytes = Buffer.from(noSuchUser["grpc-status-details-bin"], "base64");
  for (let n = 0; n <= random.length(6); n++) bytes[random.below(bytes.length)] = random.below(256);
  const damaged = bytes.subarray(0, random.once(2) ? bytes.length : random.below(bytes.length));
  const error = readStatus({
    "grpc-status": "5",
    "grpc-message": "m",
    "grpc-status-details-bin": damaged.toString("base64"),
  });
  assert.deepEqual([error?.grpc.code, error?.grpc.message], [5, "m"]);
});
