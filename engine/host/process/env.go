//go:build linux

package process

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // the format of a Java key store has it
	"encoding/binary"
	"os"
	"path/filepath"
	"unicode/utf16"
)

// Files in a program's directory that [Trust] makes.
const (
	caFile    = "ca.pem"
	storeFile = "ca.jks"
	storePass = "changeit"
)

// Trust are files that make programs trust a certificate authority, given as PEM
// and DER, by way of their environment.
func Trust(pem, der []byte) map[string]string {
	return map[string]string{caFile: string(pem), storeFile: string(keyStore(der))}
}

// environ is the environment of a program with the directory dir: the search path of
// the engine's, and the lab's authority as curl and OpenSSL, Python, Node.js, Git,
// Go and Java look for it.
func environ(dir string) []string {
	path := os.Getenv("PATH") //nolint:forbidigo // the engine's own is what a user expects
	if path == "" {
		path = paths
	}
	ca := filepath.Join(dir, caFile)
	env := []string{"PATH=" + path + ":" + paths, "HOME=" + dir, "TMPDIR=" + dir, "LANG=C.UTF-8", "TERM=dumb"}
	if _, err := os.Stat(ca); err != nil {
		return env
	}
	for _, name := range []string{"SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS",
		"GIT_SSL_CAINFO"} {
		env = append(env, name+"="+ca)
	}
	return append(env, "JAVA_TOOL_OPTIONS=-Djavax.net.ssl.trustStore="+filepath.Join(dir, storeFile)+
		" -Djavax.net.ssl.trustStoreType=JKS -Djavax.net.ssl.trustStorePassword="+storePass)
}

// keyStore is a Java key store (JKS, version 2) that trusts one certificate, as
// sun.security.provider.JavaKeyStore reads it.
func keyStore(der []byte) []byte {
	var b bytes.Buffer
	text := func(s string) {
		_ = binary.Write(&b, binary.BigEndian, uint16(len(s))) // a buffer takes all
		b.WriteString(s)
	}
	number := func(x any) { _ = binary.Write(&b, binary.BigEndian, x) }
	number([]uint32{0xfeedfeed, 2, 1, 2}) // magic, version, entries; the first is a trusted certificate
	text("netrepro")
	number(uint64(0)) // when it was made
	text("X.509")
	number(uint32(len(der)))
	b.Write(der)
	h := sha1.New() //nolint:gosec // as above
	for _, u := range utf16.Encode([]rune(storePass)) {
		_ = binary.Write(h, binary.BigEndian, u)
	}
	h.Write([]byte("Mighty Aphrodite"))
	h.Write(b.Bytes())
	return h.Sum(b.Bytes())
}
