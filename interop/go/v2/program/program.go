// Package program makes the service that each of the programs here is: go-micro v2.9.1's defaults, gRPC and mDNS, and
// what its flags choose.
package program

import (
	"crypto/tls"
	"crypto/x509"
	"log"
	"os"

	"github.com/micro/go-micro/v2"
	"github.com/micro/go-micro/v2/broker"
	servicebroker "github.com/micro/go-micro/v2/broker/service"
	grpcclient "github.com/micro/go-micro/v2/client/grpc"
	"github.com/micro/go-micro/v2/server"
	grpcserver "github.com/micro/go-micro/v2/server/grpc"
	"github.com/micro/go-micro/v2/transport"
	// These write themselves into go-micro's tables.
	_ "github.com/micro/go-plugins/broker/mqtt/v2"
	_ "github.com/micro/go-plugins/broker/rabbitmq/v2"
	_ "github.com/micro/go-plugins/registry/consul/v2"
	_ "github.com/micro/go-plugins/registry/nats/v2"
	_ "github.com/micro/go-plugins/transport/nats/v2"
)

// New makes a service and parses the flags.
//
// TLS_CERT and TLS_KEY are files of its own certificate and TLS_CA one of the authority that it trusts; with any of them, it
// speaks TLS: as gRPC wants it, or with TLS_OPTION=server in the way of go-micro's generic option, which offers no protocol
// (ALPN). SERVICE_BROKER is the address of a broker behind a service: with --broker=service, go-micro ignores
// --broker_address.
func New(name string, options ...micro.Option) micro.Service {
	// The name is given to the server that is there then.
	all := append(security(), micro.Name(name))
	if address := os.Getenv("SERVICE_BROKER"); address != "" {
		all = append(all, micro.Broker(servicebroker.NewBroker(broker.Addrs(address))))
	}
	service := micro.NewService(all...)
	service.Init(options...)
	return service
}

func security() []micro.Option {
	certificate, authority := os.Getenv("TLS_CERT"), os.Getenv("TLS_CA")
	if certificate == "" && authority == "" {
		return nil
	}
	config := new(tls.Config)
	if certificate != "" {
		pair, err := tls.LoadX509KeyPair(certificate, os.Getenv("TLS_KEY"))
		Must(err)
		config.Certificates = []tls.Certificate{pair}
	}
	if authority != "" {
		pem, err := os.ReadFile(authority)
		Must(err)
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM(pem)
	}
	// For --server=mucp and --client=mucp.
	transport.DefaultTransport = transport.NewTransport(transport.TLSConfig(config))
	serving := grpcserver.AuthTLS(config)
	if os.Getenv("TLS_OPTION") == "server" {
		serving = server.TLSConfig(config)
	}
	return []micro.Option{
		micro.Server(grpcserver.NewServer(serving)),
		micro.Client(grpcclient.NewClient(grpcclient.AuthTLS(config))),
	}
}

// Must ends the program when there is an error.
func Must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
