// Command pubsub is a service that publishes or subscribes, with the broker that its flags choose.
//
//	TOPIC=user.created QUEUE=mailers pubsub [go-micro's flags]    prints each user it is told of, until it is ended
//	TOPIC=user.created NAMES=Ada,Grace pubsub [go-micro's flags]  publishes these users
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"go-micro.dev/v5"
	"go-micro.dev/v5/metadata"
	"go-micro.dev/v5/server"

	"ts-micro/interop/v5/program"
)

type user struct {
	Name string `json:"name"`
	// What came beside it, as the metadata X-Color.
	Color string `json:"color,omitempty"`
}

func main() {
	topic, names := os.Getenv("TOPIC"), os.Getenv("NAMES")
	service := program.New("interop.pubsub", micro.AfterStart(func() error {
		fmt.Println("ready")
		return nil
	}))
	if names != "" {
		publish(service, topic, strings.Split(names, ","))
		return
	}
	var options []server.SubscriberOption
	if queue := os.Getenv("QUEUE"); queue != "" {
		options = append(options, server.SubscriberQueue(queue))
	}
	program.Must(micro.RegisterSubscriber(topic, service.Server(), got, options...))
	program.Must(service.Run())
}

func got(ctx context.Context, told *user) error {
	told.Color, _ = metadata.Get(ctx, "X-Color")
	line, err := json.Marshal(told)
	fmt.Println("got", string(line))
	return err
}

func publish(service micro.Service, topic string, names []string) {
	for _, name := range names {
		ctx := metadata.NewContext(context.Background(), metadata.Metadata{"X-Color": "red"})
		message := service.Client().NewMessage(topic, &user{Name: name})
		program.Must(service.Client().Publish(ctx, message))
	}
	program.Must(service.Client().Options().Broker.Disconnect())
}
