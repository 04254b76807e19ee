//go:build unix

// Command bench is one of the two processes of a contender of ts-micro's bench, and does what bench/src/process.ts does.
//
//	bench [go-micro's flags]              serves
//	ADDRESS=<host:port> bench [flags]     calls who serves there
//
// Its parent is Node, which gives it a channel as file 3: messages are lines of JSON
// (https://nodejs.org/api/child_process.html, `options.execPath`). It says its address when it is ready, then answers each
// order with one report.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"go-micro.dev/v5"
	"go-micro.dev/v5/client"

	"ts-micro/interop/v5/program"
)

// Question is exported because go-micro demands it.
type Question struct {
	Name string `json:"name"`
	Data string `json:"data,omitempty"`
}

// Answer likewise.
type Answer struct {
	Msg  string `json:"msg"`
	Data string `json:"data,omitempty"`
}

// Bench is the handler that all contenders have.
type Bench struct{}

func (Bench) Hello(_ context.Context, in *Question, out *Answer) error {
	out.Msg, out.Data = "hello "+in.Name, in.Data
	return nil
}

type load struct {
	Question Question
	InFlight int
	Ms       int
}

type report struct {
	Calls   int     `json:"calls"`
	Seconds float64 `json:"seconds"`
	P50Ms   float64 `json:"p50Ms"`
	P99Ms   float64 `json:"p99Ms"`
	P999Ms  float64 `json:"p999Ms"`
	usage
}

// usage is what the process has used so far; in a report, CpuMs is what the load took.
type usage struct {
	CpuMs    float64 `json:"cpuMs"`
	RssMiB   float64 `json:"rssMiB"`
	Received int     `json:"received"`
}

func main() {
	channel := os.NewFile(3, "channel")
	say := func(message any) { program.Must(json.NewEncoder(channel).Encode(message)) }
	address := os.Getenv("ADDRESS")
	if address == "" {
		var service micro.Service
		service = program.New("bench", micro.AfterStart(func() error {
			say(service.Server().Options().Address)
			go obey(channel, say, nil)
			return nil
		}))
		program.Must(service.Server().Handle(service.Server().NewHandler(new(Bench))))
		program.Must(service.Run())
		return
	}
	caller := program.New("bench.client").Client()
	say("connected")
	obey(channel, say, func(l load) report { return l.run(caller, address) })
}

// obey answers orders until it is told to end, or its parent has ended.
func obey(channel io.Reader, say func(any), run func(load) report) {
	lines := bufio.NewReader(channel)
	for {
		line, err := lines.ReadString('\n')
		switch {
		case err != nil || line == "\"end\"\n":
			os.Exit(0)
		case line == "\"usage\"\n":
			say(used())
		default:
			var order load
			program.Must(json.Unmarshal([]byte(line), &order))
			say(run(order))
		}
	}
}

func (l load) run(caller client.Client, address string) report {
	var (
		group sync.WaitGroup
		lanes = make([][]time.Duration, l.InFlight)
	)
	before, start := used(), time.Now()
	end := start.Add(time.Duration(l.Ms) * time.Millisecond)
	for lane := range lanes {
		group.Go(func() { lanes[lane] = l.lane(caller, address, end) })
	}
	group.Wait()
	seconds, after := time.Since(start).Seconds(), used()
	after.CpuMs -= before.CpuMs
	latencies := slices.Concat(lanes...)
	slices.Sort(latencies)
	at := func(part float64) float64 {
		return latencies[int(float64(len(latencies))*part)].Seconds() * 1000
	}
	return report{len(latencies), seconds, at(0.5), at(0.99), at(0.999), after}
}

// lane calls until the time is up, and says how long each call took.
func (l load) lane(caller client.Client, address string, end time.Time) (latencies []time.Duration) {
	ctx := context.Background()
	for begun := time.Now(); begun.Before(end); {
		request := caller.NewRequest("bench", "Bench.Hello", &l.Question, client.WithContentType("application/json"))
		var got Answer
		// The address is given, so no node is looked for: ts-micro's clients do that for each call.
		program.Must(caller.Call(ctx, request, &got, client.WithAddress(address)))
		if got.Msg != "hello "+l.Question.Name || len(got.Data) != len(l.Question.Data) {
			program.Must(fmt.Errorf("a wrong answer: %.200v", got))
		}
		now := time.Now()
		latencies = append(latencies, now.Sub(begun))
		begun = now
	}
	return latencies
}

func used() usage {
	var times syscall.Rusage
	program.Must(syscall.Getrusage(syscall.RUSAGE_SELF, &times))
	ns := times.Utime.Nano() + times.Stime.Nano()
	return usage{CpuMs: float64(ns) / 1e6, RssMiB: residentMiB()}
}

// residentMiB is 0 where the system doesn't say so in /proc.
func residentMiB() float64 {
	var size, resident int
	text, _ := os.ReadFile("/proc/self/statm")
	fmt.Sscan(string(text), &size, &resident)
	return float64(resident*os.Getpagesize()) / (1 << 20)
}
