//go:build linux

package script

import (
	"sync"

	"netrepro/engine/script/bind/box"
	"netrepro/engine/script/bind/conntrack"
	"netrepro/engine/script/bind/expect"
	"netrepro/engine/script/bind/fault"
	"netrepro/engine/script/bind/firewall"
	"netrepro/engine/script/bind/httpclient"
	"netrepro/engine/script/bind/httpserver"
	"netrepro/engine/script/bind/inject"
	"netrepro/engine/script/bind/kernel"
	"netrepro/engine/script/bind/miss"
	"netrepro/engine/script/bind/path"
	"netrepro/engine/script/bind/process"
	"netrepro/engine/script/bind/route"
	"netrepro/engine/script/bind/socket"
	"netrepro/engine/script/bind/task"
	"netrepro/engine/script/bind/topology"
	"netrepro/engine/script/bind/wire"
	"netrepro/engine/script/endpoint"
	"netrepro/engine/script/passing"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// Language is everything a script can say. Bindings, checks, suggestions and
// documentation come from it. The members of a class stand in the order of the rooms
// that give them.
var Language = sync.OnceValue(func() *vm.Language {
	return vm.Assemble(
		vm.Room{Globals: []*vm.Method{scenarioVerb}, Classes: []*vm.Class{netClass, params}},
		session.Room(), task.Room(), topology.Room(), expect.Room(),
		endpoint.Room(), socket.Room(), httpserver.Room(), httpclient.Room(),
		firewall.Room(), conntrack.Room(), route.Room(), kernel.Room(), process.Room(), path.Room(),
		fault.Room(), wire.Room(), inject.Room(), passing.Room(), box.Room(), miss.Room(),
	)
})
