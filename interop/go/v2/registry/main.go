// Command registry looks into the registry that its flags choose, with go-micro v2.9.1.
//
//	SERVICE=<name> registry get [go-micro's flags]    prints what is known of the service, as JSON
//	registry list [go-micro's flags]                  prints the names of all services
//	SERVICE=<name> registry watch [go-micro's flags]  prints "watching", then each event as JSON, until it is ended
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/micro/go-micro/v2"
	"github.com/micro/go-micro/v2/registry"

	_ "ts-micro/interop/v2/plugins"
)

func main() {
	verb, name := os.Args[1], os.Getenv("SERVICE")
	os.Args = append(os.Args[:1], os.Args[2:]...)
	service := micro.NewService(micro.Name("interop.registry"))
	service.Init()
	known := service.Options().Registry
	switch verb {
	case "get":
		services, err := known.GetService(name)
		if err != registry.ErrNotFound {
			must(err)
		}
		print(services)
	case "list":
		services, err := known.ListServices()
		must(err)
		names := make([]string, len(services))
		for i, service := range services {
			names[i] = service.Name
		}
		print(names)
	case "watch":
		watcher, err := known.Watch(registry.WatchService(name))
		must(err)
		fmt.Println("watching")
		for {
			event, err := watcher.Next()
			must(err)
			print(event)
		}
	}
}

func print(value interface{}) {
	must(json.NewEncoder(os.Stdout).Encode(value))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
