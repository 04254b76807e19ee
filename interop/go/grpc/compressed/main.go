// Command compressed runs the interop cases client_compressed_unary and server_compressed_unary, which grpc-go
// has in neither of its own interop programs, in either role:
//
//	compressed -role server
//	compressed -role client -address 127.0.0.1:10000 -test_case client_compressed_unary
//
// The server prints the address it listens on. The client ends with code 0 when the case passed.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
)

const (
	requestSize  = 271828
	responseSize = 314159
)

func main() {
	log.SetFlags(0)
	role := flag.String("role", "", "server or client")
	address := flag.String("address", "", "host:port that the client calls")
	testCase := flag.String("test_case", "", "client_compressed_unary or server_compressed_unary")
	flag.Parse()
	switch *role {
	case "server":
		serve()
	case "client":
		runCase(*address, *testCase)
	default:
		log.Fatalf("-role is %q: expected server or client", *role)
	}
}

type server struct {
	testgrpc.TestServiceServer
}

func serve() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening on", listener.Addr())
	s := grpc.NewServer(grpc.StatsHandler(received{}))
	testgrpc.RegisterTestServiceServer(s, server{interop.NewTestServer()})
	log.Fatal(s.Serve(listener))
}

func (s server) UnaryCall(ctx context.Context, in *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
	if expected := in.GetExpectCompressed(); expected != nil && expected.Value != wasCompressed(ctx) {
		return nil, status.Errorf(codes.InvalidArgument, "compressed is %v, not %v", wasCompressed(ctx), expected.Value)
	}
	if in.GetResponseCompressed().GetValue() {
		if err := grpc.SetSendCompressor(ctx, gzip.Name); err != nil {
			return nil, err
		}
	}
	return s.TestServiceServer.UnaryCall(ctx, in)
}

func runCase(address, testCase string) {
	conn, err := grpc.NewClient(address,
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithStatsHandler(received{}))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	client := testgrpc.NewTestServiceClient(conn)
	switch testCase {
	case "client_compressed_unary":
		clientCompressed(client)
	case "server_compressed_unary":
		serverCompressed(client)
	default:
		log.Fatalf("-test_case is %q: expected client_compressed_unary or server_compressed_unary", testCase)
	}
}

func clientCompressed(client testgrpc.TestServiceClient) {
	probe := request()
	probe.ExpectCompressed = &testpb.BoolValue{Value: true}
	if _, _, err := call(client, probe); status.Code(err) != codes.InvalidArgument {
		log.Fatalf("a plain request that should be compressed: got %v, want InvalidArgument", err)
	}
	for _, compress := range []bool{true, false} {
		in := request()
		in.ExpectCompressed = &testpb.BoolValue{Value: compress}
		var options []grpc.CallOption
		if compress {
			options = append(options, grpc.UseCompressor(gzip.Name))
		}
		response, _, err := call(client, in, options...)
		check(response, err)
	}
}

func serverCompressed(client testgrpc.TestServiceClient) {
	for _, compress := range []bool{true, false} {
		in := request()
		in.ResponseCompressed = &testpb.BoolValue{Value: compress}
		response, compressed, err := call(client, in)
		check(response, err)
		if compressed != compress {
			log.Fatalf("the response's compression is %v, want %v", compressed, compress)
		}
	}
}

func request() *testpb.SimpleRequest {
	return &testpb.SimpleRequest{
		ResponseType: testpb.PayloadType_COMPRESSABLE,
		ResponseSize: responseSize,
		Payload:      interop.ClientNewPayload(testpb.PayloadType_COMPRESSABLE, requestSize),
	}
}

// call also tells whether the response was compressed.
func call(client testgrpc.TestServiceClient, in *testpb.SimpleRequest, options ...grpc.CallOption) (*testpb.SimpleResponse, bool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	ctx = withPayload(ctx)
	response, err := client.UnaryCall(ctx, in, options...)
	return response, wasCompressed(ctx), err
}

func check(response *testpb.SimpleResponse, err error) {
	if err != nil {
		log.Fatal(err)
	}
	if size := len(response.GetPayload().GetBody()); size != responseSize {
		log.Fatalf("the response has %d bytes, want %d", size, responseSize)
	}
}

// received remembers in the context of a call how its last message arrived. grpc-go decompresses before anybody
// sees the message; its statistics are the only place that knows.
type received struct{}

type payloadKey struct{}

func withPayload(ctx context.Context) context.Context {
	return context.WithValue(ctx, payloadKey{}, new(bool))
}

func wasCompressed(ctx context.Context) bool {
	return *ctx.Value(payloadKey{}).(*bool)
}

func (received) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context {
	if ctx.Value(payloadKey{}) != nil {
		return ctx
	}
	return withPayload(ctx)
}

func (received) HandleRPC(ctx context.Context, event stats.RPCStats) {
	if payload, ok := event.(*stats.InPayload); ok {
		*ctx.Value(payloadKey{}).(*bool) = payload.CompressedLength != payload.Length
	}
}

func (received) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

func (received) HandleConn(context.Context, stats.ConnStats) {}
