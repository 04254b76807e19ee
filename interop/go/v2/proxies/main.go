// Command proxies offers a broker and a registry in memory over RPC, as go-micro v2's `micro broker` and
// `micro registry` do, which are no longer to be had. It takes go-micro's flags.
package main

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/micro/go-micro/v2"
	"github.com/micro/go-micro/v2/broker"
	brokerpb "github.com/micro/go-micro/v2/broker/service/proto"
	"github.com/micro/go-micro/v2/errors"
	"github.com/micro/go-micro/v2/registry"
	"github.com/micro/go-micro/v2/registry/memory"
	registryservice "github.com/micro/go-micro/v2/registry/service"
	registrypb "github.com/micro/go-micro/v2/registry/service/proto"

	memorybroker "github.com/micro/go-micro/v2/broker/memory"
)

func main() {
	service := micro.NewService(
		micro.Name("go.micro.proxies"),
		micro.Registry(memory.NewRegistry()),
		micro.AfterStart(func() error {
			fmt.Println("ready")
			return nil
		}),
	)
	service.Init()
	offered := memorybroker.NewBroker()
	must(offered.Connect())
	must(brokerpb.RegisterBrokerHandler(service.Server(), &brokerProxy{offered}))
	must(registrypb.RegisterRegistryHandler(service.Server(), &registryProxy{memory.NewRegistry()}))
	must(service.Run())
}

type brokerProxy struct{ broker.Broker }

func (b *brokerProxy) Publish(_ context.Context, request *brokerpb.PublishRequest, _ *brokerpb.Empty) error {
	message := &broker.Message{Header: request.Message.Header, Body: request.Message.Body}
	return b.Broker.Publish(request.Topic, message)
}

func (b *brokerProxy) Subscribe(_ context.Context, request *brokerpb.SubscribeRequest, stream brokerpb.Broker_SubscribeStream) error {
	failed := make(chan error, 1)
	subscriber, err := b.Broker.Subscribe(request.Topic, func(event broker.Event) error {
		message := event.Message()
		err := stream.Send(&brokerpb.Message{Header: message.Header, Body: message.Body})
		if err != nil {
			select {
			case failed <- err:
			default:
			}
		}
		return err
	}, broker.Queue(request.Queue))
	if err != nil {
		return errors.InternalServerError("go.micro.broker", err.Error())
	}
	defer subscriber.Unsubscribe()
	select {
	case <-stream.Context().Done():
		return nil
	case err := <-failed:
		return err
	}
}

type registryProxy struct{ registry.Registry }

func (r *registryProxy) GetService(_ context.Context, request *registrypb.GetRequest, response *registrypb.GetResponse) error {
	services, err := r.Registry.GetService(request.Service)
	if err == registry.ErrNotFound {
		return errors.NotFound("go.micro.registry", err.Error())
	}
	for _, service := range services {
		response.Services = append(response.Services, registryservice.ToProto(service))
	}
	return err
}

func (r *registryProxy) Register(_ context.Context, request *registrypb.Service, _ *registrypb.EmptyResponse) error {
	ttl := time.Duration(request.Options.Ttl) * time.Second
	return r.Registry.Register(registryservice.ToService(request), registry.RegisterTTL(ttl))
}

func (r *registryProxy) Deregister(_ context.Context, request *registrypb.Service, _ *registrypb.EmptyResponse) error {
	return r.Registry.Deregister(registryservice.ToService(request))
}

func (r *registryProxy) ListServices(_ context.Context, _ *registrypb.ListRequest, response *registrypb.ListResponse) error {
	services, err := r.Registry.ListServices()
	for _, service := range services {
		response.Services = append(response.Services, registryservice.ToProto(service))
	}
	return err
}

func (r *registryProxy) Watch(_ context.Context, request *registrypb.WatchRequest, stream registrypb.Registry_WatchStream) error {
	watcher, err := r.Registry.Watch(registry.WatchService(request.Service))
	if err != nil {
		return err
	}
	go func() {
		<-stream.Context().Done()
		watcher.Stop()
	}()
	for {
		change, err := watcher.Next()
		if err != nil {
			return nil
		}
		result := &registrypb.Result{Action: change.Action, Service: registryservice.ToProto(change.Service)}
		if err := stream.Send(result); err != nil {
			return err
		}
	}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
