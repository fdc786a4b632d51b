package handshake

import (
	"netrepro/engine/diagnose/carried/keylog"
)

// openServer reads the server's encrypted flight.
func (c *Conn) openServer(log *keylog.Log) {
	server := &c.sides[1-c.Client]
	o := opener(log, keylog.ServerHandshake, c)
	if o == nil {
		return
	}
	var plain records
	for i, rec := range server.sealed {
		if rec.number != i { // one is missing: what follows is not where it was
			return
		}
		kind, content, ok := o.Open(rec.body)
		if !ok {
			return // behind the flight are other secrets
		}
		switch kind {
		case alertRecord:
			if len(content) == 2 {
				c.alert(1-c.Client, content, true, rec.at)
			}
		case handshakeRecord:
			had := len(c.Chain)
			plain.messages(c, 1-c.Client, content, rec.at)
			c.Opened = c.Opened || len(c.Chain) > had
		}
	}
	c.budget.Return(len(plain.msgs))
}

// openClient reads the client's alerts: those of the handshake, and those behind it.
func (c *Conn) openClient(log *keylog.Log) {
	early, late := opener(log, keylog.ClientHandshake, c), opener(log, keylog.ClientTraffic, c)
	o := early
	if o == nil {
		o = late // where its Finished is cannot be seen: whatever opens is behind it
	}
	if o == nil {
		return
	}
	var msgs []byte
	next := 0
	for _, rec := range c.sides[c.Client].sealed {
		for ; next < rec.number; next++ {
			o.Skip()
		}
		kind, content, ok := o.Open(rec.body)
		switch {
		case ok:
			next++
		case o.First():
			next++ // early data, or a flight that has another secret
			continue
		default:
			return // the key was changed
		}
		switch kind {
		case alertRecord:
			if len(content) == 2 && content[1] != 0 {
				c.alert(c.Client, content, true, rec.at)
			}
		case handshakeRecord:
			if o == late {
				continue
			}
			if msgs = append(msgs, content...); len(msgs) > maxMessage {
				return
			}
			if done := ends(msgs); done && late == nil {
				return
			} else if done {
				o = late
			}
		}
	}
}

// ends reports whether there is a Finished among handshake messages.
func ends(msgs []byte) bool {
	for len(msgs) >= messageHeader {
		if msgs[0] == finished {
			return true
		}
		n := messageHeader + int(msgs[1])<<16 + int(msgs[2])<<8 + int(msgs[3])
		msgs = msgs[min(n, len(msgs)):]
	}
	return false
}

// opener opens records with a secret of the log, nil if it has none that fits.
func opener(log *keylog.Log, label keylog.Label, c *Conn) *keylog.Opener {
	secret := log.Secret(label, c.Hello.random)
	if secret == nil {
		return nil
	}
	o, err := keylog.NewOpener(c.Suite, secret)
	if err != nil {
		return nil
	}
	return o
}
