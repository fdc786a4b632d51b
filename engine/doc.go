// Package engine is the architecture page; the code is in the rooms below it.
//
// # Principles
//
//   - Exact before realistic. A fault is a match and a count, decided by packets
//     alone. The price: every frame passes through one thread of the engine,
//     which costs more than half of a veth pair's speed.
//   - Spec, then live. What a script says becomes plain data that is checked
//     without privilege ([topology.Spec], [fault.Spec], the types of package
//     expect); one function makes it live and returns something with Close.
//   - Nothing named, nothing left. Namespaces are held by descriptor in a worker
//     that is process 1 of its own PID namespace. Whatever ends the worker ends
//     all it made.
//   - Evidence or it did not happen. An expectation keeps the packets it looked
//     at, a dropped packet keeps what dropped it, and a frame the engine itself
//     lost makes the case inconclusive, as lost words of the kernel do to one
//     that failed.
//   - One table is the language. Bindings, checks, suggestions and documentation
//     come from the classes in package script.
//
// # From a script to a verdict
//
//	script text ── diag.Parse ──> syntax tree ── vm ──> script.Scenario (plan, variants, run)
//	     │ task.List: scenario × variant × matrix
//	     ▼
//	script.Case ── runner.Run ──> worker process ── script.File.Run:
//	     lab.Up       namespaces, links, addresses, routes, sysctls
//	     relay.Start   the relay begins to carry and record frames
//	     run(net, v)   verbs: endpoints, faults, firewall rules, expectations
//	     expect.Spec.Judge ──> expect.Outcome, as soon as it holds, else after Relay.WaitIdle
//	     ▼
//	session.Event stream ── pipe ──> task.Sink ── report.Terminal ──> exit code
//
// # From a capture to a ladder
//
//	file ── capture.Open: pcap.Reader or tcpdump.Reader, packet.Decoder ──> tcp.Input
//	     ▼
//	tcp.Analyzer.Add ──> tcp.Record, with
//	     wireshark.Conversation   Wireshark's flags of the file as it is
//	     tcp.Sender          why a segment was sent again, at each capture point
//	     twins                    the same packet at other points, before and after NAT
//	     payload.Stream               TLS records and messages, HTTP start lines
//	     reset.Judge              who sent a reset, and why
//	     ▼
//	view.AppendJSON, view.Builder ──> view.Ladder ──> text
//	golden.Form ──> golden traces, determinism
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
// runner runs cases, each in a worker ([runner.Run]). Below it, discover finds
// scenario files ([discover.Find]); task makes tasks of them ([task.List]), or of
// what they must not pass ([task.Proofs]); schedule says when a task may begin and
// on which processor; machine changes settings of the whole machine and gives them
// back ([machine.Run]); worker is the process of one case ([worker.Run],
// [worker.Serve]); sink compares rounds and gathers golden traces. A worker and all
// that its case starts share one processor, and as many cases run at once as the
// processors carry.
//
// script is the language: [script.Load] and [script.File.Run]. Its verbs stand
// in rooms that do not know each other: script/bind/topology (topologies), script/bind/socket
// (sockets, servers and clients), script/bind/process (real programs), script/bind/path
// (probes, names, datagrams), script/bind/kernel (what the kernel says), script/bind/fault
// (faults on wires), script/bind/firewall (rules of nodes), script/bind/expect (traces and
// expectations). They share script/session (the
// running case, its nodes and wires), script/matching (which packets are meant) and
// script/args (plain arguments). Below them, script/vm is the interpreter with
// its tables of methods and knows nothing of networks, and script/diag points at
// places in a script. No other room knows Lua.
//
// topo turns a specification into a plan ([topology.Spec.Plan]) and a plan into a
// lab ([lab.Up]): hosts, routers, and switches that are one bridge for each of
// their VLANs. Addresses are planned by segment, which is a wire or what switches
// join. The engine itself puts 802.1Q tags on what crosses a trunk, so that no
// kernel needs to know them.
//
// host is what lives on hosts. socket is TCP with every option ([socket.Host.Dial],
// [socket.Host.Listen]), datagram is UDP and raw ICMP ([datagram.Open]), and
// handshake is TLS step by step ([handshake.Start]). On them stand web, HTTP servers
// that behave as nginx does ([web.Serve]); webclient, clients that behave as curl does
// ([webclient.Fetch], [webclient.Session]); load, many requests at a rate
// ([load.Run]); dns, a name server and a resolver ([dns.Serve],
// [dns.Resolver.Lookup]); and pathprobe, which measures paths ([pathprobe.Ping.Run],
// [pathprobe.Trace.Run], [pathprobe.PathMTU]). pki makes certificates, good and bad
// ([pki.CA.Issue]). process runs real programs in a node's namespaces, as children of
// a process 1 of their own, so that nothing of them is left ([process.Start]).
//
// kernel asks the kernel: counters ([kernel.ReadCounters]), sockets
// ([kernel.ReadSockets]), and through BPF programs on its tracepoints, which
// kernel/bpf writes and loads, why it reset, dropped or sent again
// ([kernel.Watch]). kernel/lookupmiss makes it lose a race: a segment's lookup misses its
// connection ([lookupmiss.Make]).
//
// firewall filters and rewrites on nodes
// ([firewall.New]): every rule is text as nft(8) writes it, which lab/firewall/nft
// compiles. fault breaks wires ([fault.New]): a match, a gate that counts or draws
// by chance, and an action. expect judges traces.
//
// shake makes seeded pauses where a script, its tasks or what they wait for may be
// late on another machine, and finds those that make a difference ([shake.New],
// [shake.Bisect]).
//
// relay carries frames between the ends of wires ([relay.Start]), and wire is what
// happens to each of them on its way ([wire.Pipeline]). trace keeps what they saw and follows connections ([trace.Trace.Arrive]). stall measures how
// long the host kept the engine from running ([stall.Start]).
//
// capture opens captures, analysis follows their connections; view draws them,
// normal reduces them to what they mean. wireshark, reset and app are what
// analysis knows of flags, resets and application protocols.
//
// packet/header knows where each header field stands and mends what depends on a
// change ([header.Edit]). packet/field names the fields that matches read, faults
// rewrite and scripts speak of ([field.All]). packet/build makes packets that no
// kernel sent ([build.Packet.Build]).
//
// plain makes text from outside fit to be shown ([sanitize.Text]); cmd/netrepro writes
// through it too.
//
// files opens and writes what people name, whatever it is ([files.Create]).
//
// packet decodes frames; it and those below it alone know the packet library. pcap reads and
// writes capture files, tcpdump reads text; netns alone enters namespaces ([netns.NS.Do]).
//
// # What the relay promises
//
// One thread reads all wires of a lab through one packet socket, in the order
// the kernel received the frames. While more wait than the queues of their wires
// hold, those that came last are recorded as dropped there, and nothing else is
// done with them. For each other frame: decode, find its connection
// and class, let the faults judge, let it wait for the wire's rate, record, hold
// for the delay, let the boxes of the node judge, record the arrival, send. Faults
// see a frame as it was sent, whatever those before them did to it; what they do
// is in the trace with their names. A function of the script's is called under
// the interpreter's lock, so that a verb never waits for the relay with that lock
// held. A packet is in the trace once where it left a node and once
// where it arrived; both records share the decoded segment. The first 16 MB of
// frames are written whole, later ones cut to their first 128 bytes. A trace
// keeps about a million packets in memory; judging a longer one is inconclusive.
package engine
