// Package program makes the service that each of the programs here is: go-micro's defaults, and what its flags choose.
package program

import (
	"crypto/tls"
	"crypto/x509"
	"log"
	"os"

	"go-micro.dev/v5"
	grpcclient "go-micro.dev/v5/client/grpc"
	grpcserver "go-micro.dev/v5/server/grpc"
	"go-micro.dev/v5/transport"
)

// New makes a service and parses the flags. TLS_CERT and TLS_KEY are files of its own certificate and TLS_CA one of the
// authority that it trusts; with any of them, it speaks TLS.
func New(name string, options ...micro.Option) micro.Service {
	service := micro.New(name)
	service.Init(options...)
	if config := security(); config != nil {
		Must(service.Server().Options().Transport.Init(transport.TLSConfig(config)))
		if service.Server().String() == "grpc" {
			Must(service.Server().Init(grpcserver.AuthTLS(config)))
		}
		if service.Client().String() == "grpc" {
			Must(service.Client().Init(grpcclient.AuthTLS(config)))
		}
	}
	return service
}

func security() *tls.Config {
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
	return config
}

// Must ends the program when there is an error.
func Must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
