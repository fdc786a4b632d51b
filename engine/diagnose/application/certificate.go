package application

import (
	"fmt"
	"strings"

	"netrepro/engine/diagnose/carried/handshake"
	"netrepro/engine/diagnose/finding"
	"netrepro/engine/diagnose/incident"
)

// facts are what is known of the flow's TLS, nil if nothing is.
func facts(f *incident.Flow) *handshake.Facts {
	if f.Carried == nil || f.Carried.TLS == nil {
		return nil
	}
	return &f.Carried.TLS.Facts
}

// opened are alerts that a key log opens, and the segments that have them.
func opened(f *incident.Flow) *finding.Finding {
	t := facts(f)
	if t == nil {
		return nil
	}
	for _, a := range t.Alerts {
		if !a.Opened {
			continue
		}
		for _, g := range f.Segments {
			if g.N != a.At.N {
				continue
			}
			if c := refused(f, g, a.String(), "the alert says so, opened with the key log: "); c != nil {
				return c
			}
		}
	}
	return nil
}

// refused is an alert about a certificate or a version; nil if it is about neither.
func refused(f *incident.Flow, g *incident.Segment, alert, how string) *finding.Finding {
	var c *finding.Finding
	switch {
	case among(alert, certificate):
		c = finding.New("tls-alert-cert", f).
			Say("The %s ends the TLS handshake: %s. It does not accept the other's certificate%s.",
				incident.Name(g.Side), alert, because(f, g, alert))
	case among(alert, version):
		c = finding.New("tls-version", f).
			Say("The %s turns the TLS handshake away: %s. Version or ciphers do not suit it.%s",
				incident.Name(g.Side), alert, choice(f))
	default:
		return nil
	}
	c.For(3.5, how+alert, g)
	if t := facts(f); c.ID == "tls-alert-cert" && t != nil && len(t.Chain) > 0 && g.Side == t.Client {
		c.For(0, fmt.Sprintf("frame %d has the certificate: %s", t.ChainAt.N, strings.Join(wrong(f, t, alert), "; ")))
	}
	return c.IsNot("the network is not to blame: all was delivered")
}

// because says what is wrong with the certificate, as far as that can be seen.
func because(f *incident.Flow, g *incident.Segment, alert string) string {
	t := facts(f)
	if t == nil || len(t.Chain) == 0 || g.Side != t.Client {
		return ""
	}
	return ": " + strings.Join(wrong(f, t, alert), "; ")
}

// wrong is what is wrong with the server's certificate. Names are left out: a diagnosis
// may be shown to others.
func wrong(f *incident.Flow, t *handshake.Facts, alert string) (what []string) {
	c := &t.Chain[0]
	const day = "2006-01-02"
	when := handshake.When(f.File.Start, t.ChainAt)
	if c.Expired(when) {
		what = append(what, "it expired on "+c.To.Format(day)+", before the capture")
	}
	if c.Early(when) {
		what = append(what, "it is valid from "+c.From.Format(day)+" only, after the capture")
	}
	if t.Covered != nil && !*t.Covered {
		what = append(what, "it is not for the name that the client asked for")
	}
	if c.SelfSigned {
		what = append(what, "it is self-signed")
	}
	for i := range t.Chain {
		switch other := &t.Chain[i]; {
		case i > 0 && other.Expired(when):
			what = append(what, fmt.Sprintf("certificate %d of the chain expired on %s", i+1, other.To.Format(day)))
		case i+1 < len(t.Chain) && !other.Next && !other.SelfSigned:
			what = append(what, fmt.Sprintf("certificate %d of the chain is not followed by its issuer's", i+1))
		}
	}
	if len(what) > 0 {
		return what
	}
	if len(t.Chain) == 1 {
		return []string{"the server sends it alone, without its issuer's: the chain is incomplete for a client that " +
			"has not got that one"}
	}
	if strings.Contains(alert, "revoked") {
		return []string{"its dates are right, the client says that it was revoked"}
	}
	if when.IsZero() || t.Covered == nil {
		return []string{"the chain is in order as far as it can be seen, so the client does not know who issued it, " +
			"or something that cannot be seen here"}
	}
	return []string{"dates, name and chain are right, so the client does not know who issued it"}
}

// choice says which versions were offered, and which was chosen.
func choice(f *incident.Flow) (s string) {
	t := facts(f)
	if t == nil || t.Hello == nil || len(t.Hello.Versions) == 0 {
		return ""
	}
	var names []string
	for _, v := range t.Hello.Versions {
		names = append(names, handshake.VersionName(v))
	}
	upTo := ""
	if t.Hello.UpTo {
		upTo = "up to "
	}
	s = fmt.Sprintf(" The client offers %s%s", upTo, strings.Join(names, ", "))
	if t.Answered {
		s += "; the server chose " + handshake.VersionName(t.Version)
	}
	return s + "."
}
