// Command server serves the greeter with go-micro's defaults, mucp over HTTP and mDNS, or what its flags choose.
//
//	SERVICE=<name> server [go-micro's flags]
//
// It prints the address it listens on when it is in the registry. SIGTERM ends it in order.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"go-micro.dev/v5"
	"go-micro.dev/v5/errors"
	"go-micro.dev/v5/metadata"
	"go-micro.dev/v5/server"

	"ts-micro/interop/v5/greeter"
	"ts-micro/interop/v5/program"
)

// Greeter is the handler that interop/proto/greeter describes.
type Greeter struct{}

func (Greeter) Hello(_ context.Context, in, out *greeter.Greeting) error {
	out.Name, out.FullName, out.Count, out.Data, out.Id = "Hello "+in.Name, in.FullName, in.Count, in.Data, in.Id
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
	var total int32
	for {
		var in greeter.Greeting
		if err := stream.Recv(&in); err == io.EOF {
			return stream.Send(&greeter.Greeting{Count: total})
		} else if err != nil {
			return err
		}
		total += in.Count
	}
}

// Plain is a handler without a schema.
type Plain struct{}

// PlainGreeting is exported because go-micro demands it.
type PlainGreeting struct {
	Name string `json:"name"`
}

func (Plain) Hello(_ context.Context, in, out *PlainGreeting) error {
	out.Name = "Hello " + in.Name
	return nil
}

func main() {
	var service micro.Service
	service = program.New(os.Getenv("SERVICE"), micro.AfterStart(func() error {
		fmt.Println("listening on", service.Server().Options().Address)
		return nil
	}))
	for _, handler := range []any{new(Greeter), new(Plain)} {
		program.Must(service.Server().Handle(service.Server().NewHandler(handler)))
	}
	program.Must(service.Run())
}
