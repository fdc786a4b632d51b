package pki

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
)

// paddingOID is below the private enterprise number for documentation
// (RFC 5612).
var paddingOID = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 32473, 1}

// minPadding is what the padding extension costs when it is empty.
const minPadding = 20

// pad issues t with a padding extension so that the certificate has exactly
// size bytes. DER length fields grow with what they hold, so it approaches.
func pad(t *x509.Certificate, parent issuer, pub crypto.PublicKey, size int) (*x509.Certificate, error) {
	fill := 0
	for range 8 {
		t.ExtraExtensions = []pkix.Extension{{Id: paddingOID, Value: make([]byte, fill)}}
		leaf, err := sign(t, parent.cert, pub, parent.key)
		if err != nil {
			return nil, err
		}
		if len(leaf.Raw) == size {
			return leaf, nil
		}
		if fill += size - len(leaf.Raw); fill < 0 {
			return nil, fmt.Errorf("too small")
		}
	}
	return nil, fmt.Errorf("no padding makes a chain of this size") // a length field would be of no size
}
