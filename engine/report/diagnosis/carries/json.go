package carries

import (
	"time"

	"netrepro/engine/diagnose/carried/handshake"
	"netrepro/engine/diagnose/incident"
)

// TLS is what is known of TLS. What is not known is left out.
type TLS struct {
	Offered     []string      `json:"versions_offered,omitempty"`
	ServerName  string        `json:"server_name,omitempty"`
	ALPNOffered []string      `json:"alpn_offered,omitempty"`
	Version     string        `json:"version,omitempty"`
	Cipher      string        `json:"cipher,omitempty"`
	ALPN        string        `json:"alpn,omitempty"`
	Retried     bool          `json:"retried,omitempty"`
	Flight      *Burst        `json:"flight,omitempty"`
	Chain       []Certificate `json:"certificates,omitempty"`
	Frame       int           `json:"certificates_frame,omitempty"`
	Decrypted   bool          `json:"decrypted,omitempty"`
	Covered     *bool         `json:"name_covered,omitempty"`
	Expired     *bool         `json:"expired,omitempty"`
	Early       *bool         `json:"not_yet_valid,omitempty"`
	Alerts      []Alert       `json:"alerts,omitempty"`
}

// Burst is what was sent without waiting.
type Burst struct {
	Bytes    int `json:"bytes"`
	Segments int `json:"segments"`
}

// Certificate is one of the server's.
type Certificate struct {
	CN         string   `json:"cn,omitempty"`
	Names      []string `json:"names,omitempty"`
	More       int      `json:"names_more,omitempty"`
	Issuer     string   `json:"issuer,omitempty"`
	From       string   `json:"not_before"`
	To         string   `json:"not_after"`
	SelfSigned bool     `json:"self_signed"`
}

// Alert is one of TLS.
type Alert struct {
	From        string `json:"from"`
	Level       string `json:"level"`
	Description string `json:"description"`
	Frame       int    `json:"frame"`
	Decrypted   bool   `json:"decrypted,omitempty"`
}

// Exchange is a request of HTTP and its answer.
type Exchange struct {
	Request   string   `json:"request,omitempty"`
	Status    int      `json:"status,omitempty"`
	Frame     int      `json:"frame,omitempty"`
	FirstByte *float64 `json:"first_byte,omitempty"` // seconds
	Sent      int      `json:"bytes_sent,omitempty"`
	Got       int      `json:"bytes_got,omitempty"`
}

// Lookup is a question of DNS.
type Lookup struct {
	File      string   `json:"file,omitempty"`
	Client    string   `json:"client"`
	Server    string   `json:"server"`
	Name      string   `json:"name"`
	Type      string   `json:"type"`
	TCP       bool     `json:"tcp,omitempty"`
	Asked     int      `json:"asked,omitempty"`
	Rcode     string   `json:"rcode,omitempty"`
	Truncated bool     `json:"truncated,omitempty"`
	Took      *float64 `json:"took,omitempty"` // seconds
	Frame     int      `json:"frame"`
}

// OfTLS is what a connection tells of TLS, nil if nothing.
func OfTLS(f *incident.Flow) *TLS {
	if f.Carried == nil || f.Carried.TLS == nil {
		return nil
	}
	t := &f.Carried.TLS.Facts
	if t.Hello == nil && !t.Answered && len(t.Alerts) == 0 {
		return nil
	}
	j := &TLS{ALPN: t.ALPN, Retried: t.Retried, Decrypted: t.Opened, Covered: t.Covered}
	if h := t.Hello; h != nil {
		j.Offered, j.ServerName, j.ALPNOffered = versions(h), h.ServerName, h.ALPN
	}
	if t.Answered {
		j.Version, j.Cipher = handshake.VersionName(t.Version), handshake.SuiteName(t.Suite)
	}
	if t.Flight.Bytes > 0 && t.Hello != nil {
		j.Flight = &Burst{t.Flight.Bytes, t.Flight.Segments}
	}
	for i, c := range t.Chain {
		j.Chain = append(j.Chain, Certificate{CN: c.Name, Names: c.Names, More: c.More, Issuer: c.Issuer,
			From: c.From.UTC().Format(time.RFC3339), To: c.To.UTC().Format(time.RFC3339), SelfSigned: c.SelfSigned})
		if when := handshake.When(f.File.Start, t.ChainAt); i == 0 && !when.IsZero() {
			expired, early := c.Expired(when), c.Early(when)
			j.Expired, j.Early, j.Frame = &expired, &early, t.ChainAt.N
		}
	}
	for _, a := range t.Alerts {
		level := "warning"
		if a.Fatal {
			level = "fatal"
		}
		j.Alerts = append(j.Alerts, Alert{incident.Name(a.By), level, a.Name, a.At.N, a.Opened})
	}
	return j
}

// OfHTTP are its exchanges of HTTP, and how many more there were.
func OfHTTP(f *incident.Flow) (out []Exchange, more int) {
	if f.Carried == nil || f.Carried.HTTP == nil {
		return nil, 0
	}
	for _, e := range f.Carried.HTTP.Exchanges {
		j := Exchange{Request: e.Request, Status: e.Status, Frame: e.At.N, Sent: e.Sent, Got: e.Got}
		if e.Request != "" && e.Status != 0 {
			j.FirstByte = seconds(e.Took)
		}
		out = append(out, j)
	}
	return out, f.Carried.HTTP.Beyond
}

// OfDNS are the questions of a file.
func OfDNS(name string, f *incident.File) (out []Lookup) {
	for _, q := range f.DNS.Lookups {
		j := Lookup{File: name, Client: q.Client.String(), Server: q.Server.String(), Name: q.Name, Type: q.Type, TCP: q.TCP,
			Asked: q.Asked, Rcode: q.Code, Truncated: q.Truncated, Frame: q.At.N}
		if q.Answered && q.Asked > 0 {
			j.Took = seconds(q.Took)
		}
		out = append(out, j)
	}
	return out
}

func seconds(d time.Duration) *float64 {
	s := d.Seconds()
	return &s
}
