//go:build linux

package written

// Scope is the names of a block and what is known of each.
type Scope[T any] struct {
	Names map[string]T
	outer *Scope[T]
}

// Inner is a block within s.
func (s *Scope[T]) Inner() *Scope[T] { return &Scope[T]{Names: map[string]T{}, outer: s} }

// Get is what is known of a name, in s or around it; ok is false where nothing declares it.
func (s *Scope[T]) Get(name string) (known T, ok bool) {
	for ; s != nil; s = s.outer {
		if t, ok := s.Names[name]; ok {
			return t, true
		}
	}
	return known, false
}

// Forget has a name mean something that is not known, wherever it was declared.
func (s *Scope[T]) Forget(name string) {
	var nothing T
	for ; s != nil; s = s.outer {
		if _, ok := s.Names[name]; ok {
			s.Names[name] = nothing
			return
		}
	}
}
