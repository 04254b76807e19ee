// Command pubsub is a go-micro v2.9.1 service that takes go-micro's flags, such as --broker=nats.
//
//	TOPIC=user.created QUEUE=mailers pubsub --broker=nats    prints the name of each user, until it is ended
//	TOPIC=user.created NAMES=Ada,Grace pubsub --broker=nats  publishes these users
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/micro/go-micro/v2"
	"github.com/micro/go-micro/v2/client"
	"github.com/micro/go-micro/v2/registry/memory"
	"github.com/micro/go-micro/v2/server"
)

type User struct {
	Name string `json:"name"`
}

func main() {
	topic, queue, names := os.Getenv("TOPIC"), os.Getenv("QUEUE"), os.Getenv("NAMES")
	service := micro.NewService(
		micro.Name("interop.pubsub"),
		micro.Registry(memory.NewRegistry()),
		micro.AfterStart(func() error {
			fmt.Println("ready")
			return nil
		}),
	)
	service.Init()
	if names != "" {
		for _, name := range strings.Split(names, ",") {
			message := service.Client().NewMessage(topic, &User{name}, client.WithMessageContentType("application/json"))
			must(service.Client().Publish(context.Background(), message))
		}
		must(service.Options().Broker.Disconnect())
		return
	}
	handler := func(_ context.Context, user *User) error {
		fmt.Println("got " + user.Name)
		return nil
	}
	var options []server.SubscriberOption
	if queue != "" {
		options = append(options, server.SubscriberQueue(queue))
	}
	must(micro.RegisterSubscriber(topic, service.Server(), handler, options...))
	must(service.Run())
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
