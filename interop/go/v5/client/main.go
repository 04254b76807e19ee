// Command client calls services with go-micro's defaults, mucp over HTTP and mDNS, or what its flags choose.
//
//	echo '{"service":"greeter","endpoint":"Greeter.Hello","requests":[{"name":"John"}]}' | client [go-micro's flags]
//
// It prints "ready", and one line of JSON for each call that it reads: the answers, and the error.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"go-micro.dev/v5/client"
	"go-micro.dev/v5/errors"
	"go-micro.dev/v5/metadata"
	"go-micro.dev/v5/selector"
	"google.golang.org/protobuf/encoding/protojson"

	"ts-micro/interop/v5/greeter"
	"ts-micro/interop/v5/program"
)

type call struct {
	Service string
	// Don't wait until the service is found.
	Unknown  bool
	Endpoint string
	Requests []json.RawMessage
	// Opens a stream, on which each request but the last waits for an answer of its own.
	Stream bool
	// With a stream: say that no more is sent, before the answers are awaited.
	CloseSend bool
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
	caller := program.New("interop.client").Client()
	fmt.Println("ready")
	for calls := json.NewDecoder(os.Stdin); ; {
		var next call
		if err := calls.Decode(&next); err == io.EOF {
			return
		} else {
			program.Must(err)
		}
		program.Must(json.NewEncoder(os.Stdout).Encode(next.make(caller)))
	}
}

func (c *call) make(caller client.Client) outcome {
	if !c.Unknown {
		program.Must(found(caller.Options().Selector, c.Service))
	}
	ctx := context.Background()
	if c.Metadata != nil {
		ctx = metadata.NewContext(ctx, c.Metadata)
	}
	var options []client.CallOption
	if c.Timeout != "" {
		timeout, err := time.ParseDuration(c.Timeout)
		program.Must(err)
		options = append(options, client.WithRequestTimeout(timeout))
	}
	if c.Stream {
		return c.converse(ctx, caller, options)
	}
	return c.callAtOnce(ctx, caller, options)
}

// found waits until the selector knows the service: an mDNS lookup of go-micro's gives up after 100 ms, which a busy
// machine may need for the answer, and its cache then says for five seconds that there is none.
func found(s selector.Selector, name string) (err error) {
	for begin := time.Now(); time.Since(begin) < 40*time.Second; time.Sleep(50 * time.Millisecond) {
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
	for range max(1, c.Calls) {
		group.Go(func() {
			var answer greeter.Greeting
			err := caller.Call(ctx, c.request(caller, c.messages()[0]), &answer, options...)
			mutex.Lock()
			defer mutex.Unlock()
			if err != nil {
				result.fail(err)
			} else {
				result.add(&answer)
			}
		})
	}
	group.Wait()
	return result
}

func (c *call) converse(ctx context.Context, caller client.Client, options []client.CallOption) outcome {
	var result outcome
	// What opens a stream of mucp is thrown away by servers; code that protoc-gen-micro made sends an empty message.
	stream, err := caller.Stream(ctx, c.request(caller, new(greeter.Greeting), client.StreamingRequest()), options...)
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
		if !c.CloseSend && i < len(messages)-1 && !receive() {
			return result
		}
	}
	if c.CloseSend {
		// v2.9.1 has none.
		half, ok := stream.(interface{ CloseSend() error })
		if !ok {
			result.Text = "the stream has no CloseSend"
			return result
		}
		if err := half.CloseSend(); err != nil {
			result.fail(err)
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

func (c *call) request(caller client.Client, in any, options ...client.RequestOption) client.Request {
	if c.ContentType != "" {
		options = append(options, client.WithContentType(c.ContentType))
	}
	return caller.NewRequest(c.Service, c.Endpoint, in, options...)
}

func (c *call) messages() []*greeter.Greeting {
	all := make([]*greeter.Greeting, len(c.Requests))
	for i, text := range c.Requests {
		all[i] = new(greeter.Greeting)
		program.Must(protojson.Unmarshal(text, all[i]))
	}
	return all
}

func (o *outcome) add(answer *greeter.Greeting) {
	text, err := protojson.Marshal(answer)
	program.Must(err)
	o.Answers = append(o.Answers, text)
}

// fail keeps an error as a user of go-micro reads it, with errors.Parse.
func (o *outcome) fail(err error) {
	if parsed := errors.Parse(err.Error()); parsed.Code != 0 {
		o.Error = parsed
	} else {
		o.Text = err.Error()
	}
}
