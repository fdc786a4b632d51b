package near

import (
	"strings"
	"testing"
)

func TestWord(t *testing.T) {
	known := []string{"cut", "ttl", "sport", "serve", "timeout", "to_addr", "next", "client", "verbose", "max"}
	for word, want := range map[string]string{
		"cert": "", "url": "", "tls": "", "ma": "", // a word of three or four letters is another with two edits
		"serv": "serve", "timeuot": "timeout", "timout": "timeout", "tmieuot": "timeout", "cilent": "client",
		"verbos": "verbose", "toAddr": "to_addr", "to-addr": "to_addr", "Timeout": "timeout", "TTL": "ttl", "xport": "sport",
		"completely": "",
	} {
		if got := Word(word, known); got != want {
			t.Errorf("%q is %q, want %q", word, got, want)
		}
	}
}

// TestOf shows short lists whole, and of long ones what is like the word.
func TestOf(t *testing.T) {
	if got := Of("x", []string{"a", "b", "a"}, "more"); got != "a, b" {
		t.Errorf("a short list is %q", got)
	}
	long := strings.Fields("ssl_protocols ssl_buffer_size ssl_session_tickets a b c d e f g h i j k l m n o p")
	got := Of("ssl_certificate", long, "netrepro doc x has all")
	if got != "ssl_protocols, ssl_buffer_size, ssl_session_tickets and 16 more: netrepro doc x has all" {
		t.Errorf("a long list is %q", got)
	}
	if got := Of("zzz", long, "all"); !strings.HasSuffix(got, "and 12 more: all") {
		t.Errorf("with nothing like it: %q", got)
	}
}
