/** What a test server sends back with its headers. */
export const echoInitial = "x-grpc-test-echo-initial";

/** What a test server sends back with its trailers. */
export const echoTrailing = "x-grpc-test-echo-trailing-bin";
