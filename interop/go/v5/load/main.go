// Command load calls a greeter without pause, with what go-micro's flags choose, until it is ended.
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

	"go-micro.dev/v5/client"

	"ts-micro/interop/v5/greeter"
	"ts-micro/interop/v5/program"
)

const (
	callers = 8
	// A caller's time between two calls, so that the lines can be read as fast as they come.
	pause = 10 * time.Millisecond
)

func main() {
	service := program.New("interop.load")
	for caller := range int32(callers) {
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
