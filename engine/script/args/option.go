//go:build linux

package args

import "netrepro/engine/script/vm"

// Opt is an option without a default.
func Opt(name string, k vm.AnyKind, doc string) vm.Option {
	return vm.Option{Name: name, Kind: k.Base(), Doc: doc}
}

// OptDef is an option with a default.
func OptDef(name string, k vm.AnyKind, def, doc string) vm.Option {
	return vm.Option{Name: name, Kind: k.Base(), Default: def, Doc: doc}
}

// Need is an option that must be given.
func Need(name string, k vm.AnyKind, doc string) vm.Option {
	return vm.Option{Name: name, Kind: k.Base(), Required: true, Doc: doc}
}
