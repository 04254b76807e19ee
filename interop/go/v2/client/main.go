// Command client calls a greeter with go-micro v2.9.1's defaults: gRPC and mDNS.
//
//	echo '{"service":"greeter","endpoint":"Greeter.Hello","requests":[{"name":"John"}]}' | client [go-micro's flags]
//
// It prints "ready", and one line of JSON for each call that it reads: the answers, and the error. TLS_CA is a file of the
// authority to trust, for TLS.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"sync"
	"time"

	"github.com/golang/protobuf/jsonpb"
	"github.com/micro/go-micro/v2"
	"github.com/micro/go-micro/v2/client"
	"github.com/micro/go-micro/v2/client/grpc"
	"github.com/micro/go-micro/v2/client/selector"
	"github.com/micro/go-micro/v2/errors"
	"github.com/micro/go-micro/v2/metadata"
	"github.com/micro/go-micro/v2/transport"

	"ts-micro/interop/v2/greeter"
	_ "ts-micro/interop/v2/plugins"
)

type call struct {
	Service string
	// Don't wait until the service is found.
	Unknown  bool
	Endpoint string
	Requests []json.RawMessage
	// Opens a stream, on which each request but the last waits for an answer of its own.
	Stream bool
	// With a stream: how many answers there are; 0 for all that come.
	Expect      int
	ContentType string
	// As Go writes durations.
	Timeout  string
	Metadata metadata.Metadata
	// Calls at a time.
	Calls int
}

type outcome struct {
	Answers []json.RawMessage `json:"answers"`
	// As errors.Error, when it is one.
	Error *errors.Error `json:"error"`
	// Its text, when it is not.
	Text string `json:"text"`
}

func main() {
	var security []client.Option
	if file := os.Getenv("TLS_CA"); file != "" {
		pem, err := os.ReadFile(file)
		must(err)
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(pem)
		config := &tls.Config{RootCAs: roots}
		security = append(security, grpc.AuthTLS(config))
		// For --client=mucp.
		transport.DefaultTransport = transport.NewTransport(transport.TLSConfig(config))
	}
	service := micro.NewService(micro.Client(grpc.NewClient(security...)))
	service.Init()
	fmt.Println("ready")
	for calls := json.NewDecoder(os.Stdin); ; {
		var next call
		if err := calls.Decode(&next); err == io.EOF {
			return
		} else {
			must(err)
		}
		must(json.NewEncoder(os.Stdout).Encode(next.make(service.Client())))
	}
}

func (c *call) make(caller client.Client) outcome {
	if !c.Unknown {
		must(found(caller.Options().Selector, c.Service))
	}
	ctx := context.Background()
	if c.Metadata != nil {
		ctx = metadata.NewContext(ctx, c.Metadata)
	}
	var options []client.CallOption
	if c.Timeout != "" {
		timeout, err := time.ParseDuration(c.Timeout)
		must(err)
		options = append(options, client.WithRequestTimeout(timeout))
	}
	if c.Stream {
		return c.converse(ctx, caller, options)
	}
	return c.callAtOnce(ctx, caller, options)
}

// found waits until the selector knows the service: an mDNS lookup of go-micro's gives up after 100 ms, which a busy
// machine may need for the answer.
func found(s selector.Selector, name string) (err error) {
	for begin := time.Now(); time.Since(begin) < 20*time.Second; {
		if _, err = s.Select(name); err == nil {
			return nil
		}
	}
	return err
}

func (c *call) callAtOnce(ctx context.Context, caller client.Client, options []client.CallOption) outcome {
	var (
		mutex  sync.Mutex
		group  sync.WaitGroup
		result outcome
	)
	for i := 0; i < max(1, c.Calls); i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			var answer greeter.Greeting
			err := caller.Call(ctx, c.request(caller, c.messages()[0]), &answer, options...)
			mutex.Lock()
			defer mutex.Unlock()
			if err != nil {
				result.fail(err)
			} else {
				result.add(&answer)
			}
		}()
	}
	group.Wait()
	return result
}

func (c *call) converse(ctx context.Context, caller client.Client, options []client.CallOption) outcome {
	var result outcome
	stream, err := caller.Stream(ctx, c.request(caller, nil, client.StreamingRequest()), options...)
	if err != nil {
		result.fail(err)
		return result
	}
	defer stream.Close()
	receive := func() bool {
		var answer greeter.Greeting
		err := stream.Recv(&answer)
		if err == nil {
			result.add(&answer)
		} else if err != io.EOF {
			result.fail(err)
		}
		return err == nil
	}
	messages := c.messages()
	for i, message := range messages {
		if err := stream.Send(message); err != nil {
			result.fail(err)
			return result
		}
		if i < len(messages)-1 && !receive() {
			return result
		}
	}
	for c.Expect == 0 || len(result.Answers) < c.Expect {
		if !receive() {
			break
		}
	}
	return result
}

func (c *call) request(caller client.Client, in interface{}, options ...client.RequestOption) client.Request {
	if c.ContentType != "" {
		options = append(options, client.WithContentType(c.ContentType))
	}
	return caller.NewRequest(c.Service, c.Endpoint, in, options...)
}

func (c *call) messages() []*greeter.Greeting {
	all := make([]*greeter.Greeting, len(c.Requests))
	for i, text := range c.Requests {
		all[i] = new(greeter.Greeting)
		must(jsonpb.UnmarshalString(string(text), all[i]))
	}
	return all
}

func (o *outcome) add(answer *greeter.Greeting) {
	text, err := new(jsonpb.Marshaler).MarshalToString(answer)
	must(err)
	o.Answers = append(o.Answers, json.RawMessage(text))
}

func (o *outcome) fail(err error) {
	if made, ok := err.(*errors.Error); ok {
		o.Error = made
	} else {
		o.Text = err.Error()
	}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
