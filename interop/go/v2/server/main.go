// Command server serves the greeter with go-micro v2.9.1's defaults: gRPC and mDNS.
//
//	SERVICE=<name> server [go-micro's flags]
//
// TLS_CERT and TLS_KEY are files for TLS: as gRPC wants it, or with TLS_OPTION=server in the way of go-micro's generic
// option, which offers no protocol (ALPN); with --server=mucp, on its transport. It prints the address it listens on
// when it is in the registry.
package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/micro/go-micro/v2"
	"github.com/micro/go-micro/v2/errors"
	"github.com/micro/go-micro/v2/metadata"
	"github.com/micro/go-micro/v2/server"
	"github.com/micro/go-micro/v2/server/grpc"
	"github.com/micro/go-micro/v2/transport"

	"ts-micro/interop/v2/greeter"
	_ "ts-micro/interop/v2/plugins"
)

// Greeter is the handler.
type Greeter struct{}

func (Greeter) Hello(_ context.Context, in, out *greeter.Greeting) error {
	out.Name, out.FullName, out.Count, out.Data = "Hello "+in.Name, in.FullName, in.Count, in.Data
	return nil
}

func (Greeter) Fail(context.Context, *greeter.Greeting, *greeter.Greeting) error {
	return errors.NotFound("greeter.users", "no such user")
}

func (Greeter) Panic(context.Context, *greeter.Greeting, *greeter.Greeting) error {
	panic("out of tea")
}

func (Greeter) Sleep(ctx context.Context, in, _ *greeter.Greeting) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Duration(in.Count) * time.Millisecond):
		return nil
	}
}

func (Greeter) Metadata(ctx context.Context, in, out *greeter.Greeting) error {
	out.Name, _ = metadata.Get(ctx, in.Name)
	return nil
}

func (Greeter) Deadline(ctx context.Context, _, out *greeter.Greeting) error {
	if deadline, ok := ctx.Deadline(); ok {
		out.Count = int32(time.Until(deadline).Milliseconds())
	}
	return nil
}

func (Greeter) Count(_ context.Context, stream server.Stream) error {
	var in greeter.Greeting
	if err := stream.Recv(&in); err != nil {
		return err
	}
	for count := int32(1); count <= in.Count; count++ {
		if err := stream.Send(&greeter.Greeting{Count: count}); err != nil {
			return err
		}
	}
	return nil
}

func (Greeter) Chat(_ context.Context, stream server.Stream) error {
	for {
		var in greeter.Greeting
		if err := stream.Recv(&in); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if in.Name == "fail" {
			return errors.Conflict("greeter.chat", "enough")
		}
		if err := stream.Send(&greeter.Greeting{Name: "Hello " + in.Name}); err != nil {
			return err
		}
	}
}

func (Greeter) Total(_ context.Context, stream server.Stream) error {
	var total greeter.Greeting
	for {
		var in greeter.Greeting
		if err := stream.Recv(&in); err == io.EOF {
			return stream.Send(&total)
		} else if err != nil {
			return err
		}
		total.Count += in.Count
	}
}

func main() {
	service := micro.NewService(micro.Server(grpc.NewServer(security()...)), micro.Name(os.Getenv("SERVICE")))
	service.Init(micro.AfterStart(func() error {
		fmt.Println("listening on", service.Server().Options().Address)
		return nil
	}))
	if err := micro.RegisterHandler(service.Server(), new(Greeter)); err != nil {
		log.Fatal(err)
	}
	if err := service.Run(); err != nil {
		log.Fatal(err)
	}
}

func security() []server.Option {
	if os.Getenv("TLS_CERT") == "" {
		return nil
	}
	certificate, err := tls.LoadX509KeyPair(os.Getenv("TLS_CERT"), os.Getenv("TLS_KEY"))
	if err != nil {
		log.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	transport.DefaultTransport = transport.NewTransport(transport.TLSConfig(config))
	if os.Getenv("TLS_OPTION") == "server" {
		return []server.Option{server.TLSConfig(config)}
	}
	return []server.Option{grpc.AuthTLS(config)}
}
