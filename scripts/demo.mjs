/**
 * `npm run demo`: the scene of examples/07-swap.
 */
console.log(`
A service whose parts are swapped by a plugin, without rebuilding.

Two greeters start, processes of their own: one speaks mucp, the default, the other xrpc. A client program
finds them by mDNS and calls. Then a client for xrpc is built into one file, and the same program runs again.
`);
await import("../examples/07-swap/start.mjs");
