package fragment

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

func TestBounded(t *testing.T) {
	var d Table
	for i := range 100_000 {
		d.Add(Fragment{Key: Key{ID: uint32(i)}, From: 8 * (i % 8000), More: true, Data: make([]byte, 1000)})
	}
	if len(d.open) > maxDatagrams || d.bytes > maxKept || len(d.order) > 4*maxDatagrams+1 {
		t.Errorf("%d datagrams, %d bytes, %d keys are kept", len(d.open), d.bytes, len(d.order))
	}
}

// TestManyFragments joins what comes in pieces of every size and order, twice and
// overlapping, and keeps little of what never becomes whole.
func TestManyFragments(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		want := make([]byte, 1+r.IntN(5000))
		for i := range want {
			want[i] = byte(r.Uint32())
		}
		var d Table
		var pieces []Fragment
		for at := 0; at < len(want); {
			n := min(1+r.IntN(700), len(want)-at)
			pieces = append(pieces, Fragment{From: at, Data: want[at : at+n], More: at+n < len(want)})
			if r.IntN(3) == 0 { // once more, a part of it alone
				m := 1 + r.IntN(n)
				pieces = append(pieces, Fragment{From: at, Data: want[at : at+m], More: at+m < len(want)})
			}
			at += n
		}
		r.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
		var got []byte
		for _, f := range pieces {
			if whole := d.Add(f); whole != nil && got == nil {
				got = whole
			}
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("%d bytes in %d pieces became %d", len(want), len(pieces), len(got))
		}
	}
	var d Table
	for i := range 100_000 {
		d.Add(Fragment{From: 8 * (1 + i%8000), Data: make([]byte, 8), More: true}) // its beginning never comes
	}
	if g := d.open[Key{}]; len(g.parts) > 8000 || d.bytes > 1<<20 {
		t.Errorf("%d parts, %d bytes", len(g.parts), d.bytes)
	}
	d = Table{}
	d.Add(Fragment{From: 2, Data: []byte("BBBB"), More: true})
	d.Add(Fragment{From: 0, Data: []byte("aaaa"), More: true})
	if got := d.Add(Fragment{From: 5, Data: []byte("ccc")}); string(got) != "aaBBBBcc" {
		t.Errorf("the first to come does not win: %q", got)
	}
}
