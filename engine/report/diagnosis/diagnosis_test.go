package diagnosis_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"netrepro/engine/diagnose"
	"netrepro/engine/report/diagnosis"
	"netrepro/engine/testutil/talk"
)

// written is a diagnosis in its three forms.
func written(t *testing.T, path, keyLog string) (text, json, ticket string) {
	t.Helper()
	r, err := diagnose.FilesWithKeys(context.Background(), []string{path}, keyLog)
	if err != nil {
		t.Fatal(err)
	}
	var a, b, c bytes.Buffer
	diagnosis.Text(&a, r)
	if err := diagnosis.JSON(&b, r); err != nil {
		t.Fatal(err)
	}
	diagnosis.Ticket(&c, r)
	return strings.Join(strings.Fields(a.String()), " "), b.String(), c.String()
}

// TestCertificates has certificates that are wrong in one way each, and what is said of
// them.
func TestCertificates(t *testing.T) {
	root := talk.Authority(t, "root.test", nil)
	inter := talk.Authority(t, "inter.test", root)
	pool := x509.NewCertPool()
	pool.AddCert(root.Leaf)
	leaf := func(change func(*x509.Certificate)) *tls.Certificate {
		return talk.Certificate(t, "shop.example", inter, change)
	}
	alone := leaf(nil)
	alone.Certificate = alone.Certificate[:1]
	tests := []struct {
		name, asked string
		cert        *tls.Certificate
		text, json  string
		finding     string // what the first finding says
	}{
		{"good", "shop.example", leaf(nil), "Certificate shop.example, issued by inter.test, valid 2026-01-01 to 2027-01-01, " +
			"with 2 certificates behind it", `"name_covered":true,"expired":false,"not_yet_valid":false`,
			"1. clean"},
		{"another name", "www.example", leaf(nil), "not for the name asked for", `"name_covered":false`,
			"certificate: it is not for the name that the client asked for."},
		{"expired", "shop.example", leaf(func(c *x509.Certificate) { c.NotAfter = talk.When.AddDate(0, 0, -1) }),
			"valid 2026-01-01 to 2026-02-28, expired when it was captured", `"expired":true`,
			"certificate: it expired on 2026-02-28, before the capture."},
		{"not valid yet", "shop.example", leaf(func(c *x509.Certificate) { c.NotBefore = talk.When.AddDate(0, 0, 1) }),
			"not valid yet when it was captured", `"not_yet_valid":true`,
			"certificate: it is valid from 2026-03-02 only, after the capture."},
		{"self-signed", "shop.example", talk.Certificate(t, "shop.example", nil, nil), "self-signed", `"self_signed":true`,
			"certificate: it is self-signed."},
		{"without those between", "shop.example", alone, "issued by inter.test", `"issuer":"inter.test"`,
			"certificate: the server sends it alone, without its issuer's"},
		{"of a stranger", "shop.example", talk.Certificate(t, "shop.example", talk.Authority(t, "other.test", nil), nil),
			"issued by other.test", `"issuer":"other.test"`,
			"certificate: dates, name and chain are right, so the client does not know who issued it."},
	}
	for _, tt := range tests {
		for _, latest := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(tt.name+" "+tls.VersionName(latest), func(t *testing.T) {
				said, keys := talk.TLS(t, &tls.Config{RootCAs: pool, ServerName: tt.asked, MaxVersion: latest},
					&tls.Config{Certificates: []tls.Certificate{*tt.cert}})
				dir := t.TempDir()
				bare, whole, log := filepath.Join(dir, "bare.pcapng"), filepath.Join(dir, "whole.pcapng"), filepath.Join(dir, "keys")
				talk.Capture(t, bare, said, nil)
				talk.Capture(t, whole, said, keys)
				if err := os.WriteFile(log, keys, 0o600); err != nil {
					t.Fatal(err)
				}
				text, json, ticket := written(t, whole, "")
				if !strings.Contains(text, tt.text) || !strings.Contains(json, tt.json) {
					t.Errorf("want %q and %s in\n%s\n%s", tt.text, tt.json, text, json)
				}
				if !strings.Contains(text, tt.finding) {
					t.Errorf("want %q in\n%s", tt.finding, text)
				}
				if len(keys) == 0 {
					log = "" // the handshake ended before there was a secret
				}
				if withLog, _, _ := written(t, bare, log); strings.ReplaceAll(withLog, "bare", "whole") != text {
					t.Errorf("with a key log\n%s\nwith secrets in the capture\n%s", withLog, text)
				}
				if _, without, _ := written(t, bare, ""); latest == tls.VersionTLS13 && strings.Contains(without, "inter.test") {
					t.Errorf("what is encrypted is said without a key log: %s", without)
				}
				for _, m := range private.FindAllString(ticket, -1) {
					t.Errorf("the ticket has %q:\n%s", m, ticket)
				}
				for _, m := range regexp.MustCompile("[0-9a-f]{32}|hello|world").FindAllString(text+json, -1) {
					t.Errorf("%q is a secret, or what was said", m)
				}
			})
		}
	}
}

// private is what a ticket must not have: names and addresses of the captures here.
var private = regexp.MustCompile(`(shop|www)\.example|\b(root|inter|other)\.test|bare|whole`)

// TestVersions has a client whose versions are too old for the server.
func TestVersions(t *testing.T) {
	cert := *talk.Certificate(t, "shop.example", nil, nil)
	said, _ := talk.TLS(t, &tls.Config{ServerName: "shop.example", MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11},
		&tls.Config{Certificates: []tls.Certificate{cert}})
	path := filepath.Join(t.TempDir(), "old.pcapng")
	talk.Capture(t, path, said, nil)
	text, json, _ := written(t, path, "")
	for _, want := range []string{"1. tls-version", "fatal protocol_version", "The client offers TLS 1.1, TLS 1.0."} {
		if !strings.Contains(text, want) {
			t.Errorf("want %q in\n%s", want, text)
		}
	}
	if want := `"alerts":[{"from":"server","level":"fatal","description":"protocol_version","frame":6}]`; !strings.Contains(json, want) {
		t.Errorf("want %s in\n%s", want, json)
	}
}
