// Package plugins brings the registries and transports that go-micro v2 keeps in a repository of its own, for their flags.
package plugins

import (
	_ "github.com/micro/go-plugins/registry/consul/v2"
	_ "github.com/micro/go-plugins/registry/nats/v2"
	_ "github.com/micro/go-plugins/transport/nats/v2"
)
