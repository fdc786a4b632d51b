//go:build linux

package socket

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/script/endpoint"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// tcpStates are the names of the kernel's TCP states (net/tcp_states.h).
var tcpStates = []string{"", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE",
	"CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING"}

func info(c *vm.Call) error {
	i, err := c.Self.(*endpoint.Connection).Raw.Info()
	if err != nil {
		session.ReturnErr(c, err)
		return nil
	}
	state := fmt.Sprint(i.State)
	if int(i.State) < len(tcpStates) {
		state = tcpStates[i.State]
	}
	t := c.L.NewTable()
	t.RawSetString("state", lua.LString(state))
	us := func(v uint32) lua.LValue { return lua.LNumber(float64(v) / 1e6) }
	for _, f := range []struct {
		name string
		v    lua.LValue
	}{
		{"rto", us(i.Rto)}, {"ato", us(i.Ato)}, {"rtt", us(i.Rtt)}, {"rttvar", us(i.Rttvar)},
		{"min_rtt", us(i.Min_rtt)},
		{"snd_mss", lua.LNumber(i.Snd_mss)}, {"rcv_mss", lua.LNumber(i.Rcv_mss)}, {"adv_mss", lua.LNumber(i.Advmss)},
		{"pmtu", lua.LNumber(i.Pmtu)}, {"snd_cwnd", lua.LNumber(i.Snd_cwnd)},
		{"snd_ssthresh", lua.LNumber(i.Snd_ssthresh)}, {"unacked", lua.LNumber(i.Unacked)},
		{"sacked", lua.LNumber(i.Sacked)}, {"lost", lua.LNumber(i.Lost)}, {"retrans", lua.LNumber(i.Retrans)},
		{"retransmits", lua.LNumber(i.Retransmits)}, {"total_retrans", lua.LNumber(i.Total_retrans)},
		{"backoff", lua.LNumber(i.Backoff)}, {"bytes_sent", lua.LNumber(i.Bytes_sent)},
		{"bytes_acked", lua.LNumber(i.Bytes_acked)}, {"bytes_received", lua.LNumber(i.Bytes_received)},
		{"bytes_retrans", lua.LNumber(i.Bytes_retrans)}, {"snd_wnd", lua.LNumber(i.Snd_wnd)},
		{"rcv_wnd", lua.LNumber(i.Rcv_wnd)},
	} {
		t.RawSetString(f.name, f.v)
	}
	c.Return(t)
	return nil
}
