// Command pubsub is a go-micro v2.9.1 service that takes go-micro's flags, such as --broker=nats.
//
//	TOPIC=user.created QUEUE=mailers pubsub [flags]   prints each user it is told of, until it is ended
//	TOPIC=user.created PUBLISH=<type> pubsub [flags]  publishes a user for each line it reads, until there is none
//
// The type is a content type, or "default" for that of the client. SERVICE_BROKER is the address of a broker behind a
// service: with --broker=service, go-micro ignores --broker_address.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/micro/go-micro/v2"
	"github.com/micro/go-micro/v2/broker"
	servicebroker "github.com/micro/go-micro/v2/broker/service"
	"github.com/micro/go-micro/v2/client"
	"github.com/micro/go-micro/v2/metadata"
	"github.com/micro/go-micro/v2/server"
	// These write themselves into go-micro's table of brokers.
	_ "github.com/micro/go-plugins/broker/mqtt/v2"
	_ "github.com/micro/go-plugins/broker/rabbitmq/v2"

	"ts-micro/interop/v2/greeter"
)

func main() {
	topic, publish := os.Getenv("TOPIC"), os.Getenv("PUBLISH")
	options := []micro.Option{micro.Name("interop.pubsub"), micro.AfterStart(func() error {
		fmt.Println("ready")
		return nil
	})}
	if address := os.Getenv("SERVICE_BROKER"); address != "" {
		options = append(options, micro.Broker(servicebroker.NewBroker(broker.Addrs(address))))
	}
	service := micro.NewService(options...)
	service.Init()
	if publish != "" {
		publishAll(service, topic, publish)
		return
	}
	var subscriber []server.SubscriberOption
	if queue := os.Getenv("QUEUE"); queue != "" {
		subscriber = append(subscriber, server.SubscriberQueue(queue))
	}
	must(micro.RegisterSubscriber(topic, service.Server(), got, subscriber...))
	must(service.Run())
}

func got(ctx context.Context, user *greeter.Greeting) error {
	color, _ := metadata.Get(ctx, "X-Color")
	line, err := json.Marshal(map[string]string{"name": user.Name, "color": color})
	fmt.Println("got", string(line))
	return err
}

func publishAll(service micro.Service, topic, contentType string) {
	var options []client.MessageOption
	if contentType != "default" {
		options = append(options, client.WithMessageContentType(contentType))
	}
	ctx := metadata.NewContext(context.Background(), metadata.Metadata{"X-Color": "red"})
	fmt.Println("ready")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		message := service.Client().NewMessage(topic, &greeter.Greeting{Name: lines.Text()}, options...)
		// The http broker reports that nobody is there yet, and keeps the message.
		if err := service.Client().Publish(ctx, message); err != nil {
			fmt.Println(err)
		}
	}
	must(service.Options().Broker.Disconnect())
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
