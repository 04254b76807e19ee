// Command pubsub is a service that publishes or subscribes, with the broker that go-micro's flags choose.
//
//	TOPIC=user.created QUEUE=mailers pubsub [flags]   prints each user it is told of, until it is ended
//	TOPIC=user.created PUBLISH=<type> pubsub [flags]  publishes a user for each line it reads, until there is none
//
// The type is a content type, or "default" for that of the client.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"go-micro.dev/v5"
	"go-micro.dev/v5/client"
	"go-micro.dev/v5/metadata"
	"go-micro.dev/v5/server"

	"ts-micro/interop/v5/greeter"
	"ts-micro/interop/v5/program"
)

func main() {
	topic, publish := os.Getenv("TOPIC"), os.Getenv("PUBLISH")
	service := program.New("interop.pubsub", micro.AfterStart(func() error {
		fmt.Println("ready")
		return nil
	}))
	if publish != "" {
		publishAll(service, topic, publish)
		return
	}
	var options []server.SubscriberOption
	if queue := os.Getenv("QUEUE"); queue != "" {
		options = append(options, server.SubscriberQueue(queue))
	}
	program.Must(micro.RegisterSubscriber(topic, service.Server(), got, options...))
	program.Must(service.Run())
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
	program.Must(service.Client().Options().Broker.Disconnect())
}
