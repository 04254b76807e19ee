// Command load calls a greeter without pause, with go-micro v2.9.1, until it is ended.
//
//	SERVICE=<name> load [go-micro's flags]
//
// For each call it prints a line: "ok", "wrong" when the answer is that of another call, or "failed" and why.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/micro/go-micro/v2"
	"github.com/micro/go-micro/v2/client"

	"ts-micro/interop/v2/greeter"
)

const (
	callers = 8
	// A caller's time between two calls, so that the lines can be read as fast as they come.
	pause = 10 * time.Millisecond
)

func main() {
	service := micro.NewService(micro.Name("interop.load"))
	service.Init()
	for caller := int32(0); caller < callers; caller++ {
		go func() {
			for count := caller; ; count += callers {
				fmt.Println(call(service.Client(), count))
				time.Sleep(pause)
			}
		}()
	}
	select {}
}

func call(c client.Client, count int32) string {
	request := c.NewRequest(os.Getenv("SERVICE"), "Greeter.Hello", &greeter.Greeting{Count: count})
	var answer greeter.Greeting
	if err := c.Call(context.Background(), request, &answer); err != nil {
		return "failed " + err.Error()
	}
	if answer.Count != count {
		return "wrong"
	}
	return "ok"
}
