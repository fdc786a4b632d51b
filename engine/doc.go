// Package engine is the architecture page; the code is in the rooms below it.
//
// # Principles
//
//   - Exact before realistic. A fault is a match and a count, decided by packets
//     alone. The price: every frame passes through one thread of the engine,
//     which costs more than half of a veth pair's speed.
//   - Spec, then live. What a script says becomes plain data that is checked
//     without privilege ([topo.Spec], [fault.Spec], the types of package
//     expect); one function makes it live and returns something with Close.
//   - Nothing named, nothing left. Namespaces are held by descriptor in a worker
//     that is process 1 of its own PID namespace. Whatever ends the worker ends
//     all it made.
//   - Evidence or it did not happen. An expectation keeps the packets it looked
//     at, a dropped packet keeps what dropped it, and a frame the engine itself
//     lost makes the case inconclusive.
//   - One table is the language. Bindings, checks, suggestions and documentation
//     come from the classes in package script.
//
// # From a script to a verdict
//
//	script text ── diag.Parse ──> syntax tree ── vm ──> script.Scenario (plan, variants, run)
//	     │ runner.Tasks: scenario × variant × matrix
//	     ▼
//	script.Case ── runner.Run ──> worker process ── script.File.Run:
//	     topo.Up       namespaces, links, addresses, routes, sysctls
//	     wire.Start    the relay begins to carry and record frames
//	     run(net, v)   verbs: endpoints, faults, firewall rules, expectations
//	     Relay.WaitIdle, expect.Spec.Judge ──> expect.Outcome
//	     ▼
//	script.Event stream ── pipe ──> runner.Sink ── report.Terminal ──> exit code
//
// # From a capture to a ladder
//
//	file ── capture.Open: pcap.Reader or tcpdump.Reader, packet.Decoder ──> analysis.Input
//	     ▼
//	analysis.Analyzer.Add ──> analysis.Record, with
//	     wireshark.Conversation   Wireshark's flags of the file as it is
//	     analysis.Sender          why a segment was sent again, at each capture point
//	     twins                    the same packet at other points, before and after NAT
//	     app.Stream               TLS records and messages, HTTP start lines
//	     reset.Judge              who sent a reset, and why
//	     ▼
//	view.AppendJSON, view.Builder ──> view.Ladder ──> text
//	normal.Form ──> golden traces, determinism
//
// A record is the one structure that every view is drawn from. A live trace is
// analysed by the same code when something first asks for it
// ([trace.Trace.Findings]); a failed expectation prints a piece of the same
// ladder. Everything from packet to normal builds on macOS and Windows too.
//
// # Rooms
//
// Imports go downward only; the linter holds them to it.
//
// cmd/netrepro is the command line: flags, exit codes, nothing else.
// cmd/netrepro-bench measures, as ratios in one run.
//
// report shows results ([report.NewTerminal]).
//
// runner finds scenario files ([runner.Find]), makes cases of them
// ([runner.Tasks]) and runs each in a worker ([runner.Run], [runner.Worker]).
//
// script is the language: [script.Load] and [script.File.Run]. Below it,
// script/vm is the interpreter with its tables of methods and knows nothing of
// networks, and script/diag points at places in a script. No other room knows
// Lua.
//
// topo turns a specification into a plan ([topo.Spec.Plan]) and a plan into a
// lab ([topo.Up]). A switch will be a third kind of node beside host and router,
// its wires' node ends enslaved to a bridge where configure now adds addresses;
// IPv6 will be a second prefix of an interface, derived and routed as the first.
//
// endpoint is what lives on hosts: sockets ([endpoint.Host.Dial],
// [endpoint.Host.Listen]), HTTP and TLS. firewall filters and rewrites on nodes
// ([firewall.New]). fault breaks wires ([fault.NewDrop]). expect judges traces.
//
// wire carries frames between the ends of wires ([wire.Start]). trace keeps what
// they saw and follows connections ([trace.Trace.Arrive]). stall measures how
// long the host kept the engine from running ([stall.Start]).
//
// capture opens captures, analysis follows their connections; view draws them,
// normal reduces them to what they mean. wireshark, reset and app are what
// analysis knows of flags, resets and application protocols.
//
// packet decodes frames and alone knows the decoding library; pcap reads and
// writes capture files, tcpdump reads text; netns alone enters namespaces ([netns.NS.Do]).
//
// # What the relay promises
//
// One thread reads all wires of a lab through one packet socket, in the order
// the kernel received the frames. For each frame: decode, find its connection
// and class, let the faults judge, record, hold for the delay, record the
// arrival, send. A packet is in the trace once where it left a node and once
// where it arrived; both records share the decoded segment. The first 16 MB of
// frames are written whole, later ones cut to their first 128 bytes. A trace
// keeps about a million packets in memory; judging a longer one is inconclusive.
package engine
