-- What is expected of a reset: the kernel's own word where it may be asked, what
-- the packets tell where it may not.
local reset = {}

-- verdict is the match for a reset. looks_kind and looks are what the packets
-- suggest, where it is not the truth; reason, state and through are asked of the
-- kernel alone.
function reset.verdict(net, o)
  local m = { kind = o.kind, cause = o.cause, evidence = net.evidence }
  if net.evidence == "kernel" then
    m.reason, m.state, m.through = o.reason, o.state, o.through
  else
    m.kind, m.cause = o.looks_kind or o.kind, o.looks or o.cause
  end
  return m
end

-- expected expects that a node sent such a reset, and that the counters that o
-- names stand where it says.
function reset.expected(net, from, o)
  expect(net.trace:at(from), o.label):includes { from = from, tcp = "rst", flags = o.flags, rst = reset.verdict(net, o) }
  for name, n in pairs(o.counters or {}) do
    expect(from.counters[name], name):equals(n)
  end
end

return reset
