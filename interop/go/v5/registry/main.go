// Command registry looks into the registry that its flags choose.
//
//	SERVICE=<name> registry get [go-micro's flags]    prints what is known of the service, as JSON
//	registry list [go-micro's flags]                  prints the names of all services
//	SERVICE=<name> registry watch [go-micro's flags]  prints "watching", then each event as JSON, until it is ended
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"go-micro.dev/v5/registry"

	"ts-micro/interop/v5/program"
)

func main() {
	verb, name := os.Args[1], os.Getenv("SERVICE")
	os.Args = append(os.Args[:1], os.Args[2:]...)
	known := program.New("interop.registry").Options().Registry
	switch verb {
	case "get":
		services, err := known.GetService(name)
		if err != registry.ErrNotFound {
			program.Must(err)
		}
		print(services)
	case "list":
		services, err := known.ListServices()
		program.Must(err)
		names := make([]string, len(services))
		for i, service := range services {
			names[i] = service.Name
		}
		print(names)
	case "watch":
		watcher, err := known.Watch(registry.WatchService(name))
		program.Must(err)
		fmt.Println("watching")
		for {
			event, err := watcher.Next()
			program.Must(err)
			print(event)
		}
	}
}

func print(value any) {
	program.Must(json.NewEncoder(os.Stdout).Encode(value))
}
