-- Real programs on hosts: trusted authorities, names, and programs that misbehave.

local tls = require "tls"

local function lab() return path { host "client", wire { name = "lan" }, host "server" } end

local function case(name, run, needs)
  scenario("program-" .. name) { tags = { "process" }, needs = needs, timeout = "90s", topology = lab(), run = run }
end

-- Each of them trusts the case's authority and finds the node by its name.
local clients = {
  curl = { "curl", "-sS", "https://server/" },
  openssl = { "openssl", "s_client", "-verify_return_error", "-brief", "-connect", "server:443" },
  python3 = { "python3", "-c", "import urllib.request; print(urllib.request.urlopen('https://server/').read().decode())" },
  node = { "node", "-e", "require('https').get('https://server/', r => r.on('data', d => process.stdout.write(d)))" },
  java = { "java", "$DIR/Get.java" },
  gofetch = { "gofetch", "https://server/" }, -- the test of this file builds it
  git = { "git", "ls-remote", "https://server/repo" },
}

local java = [[
public class Get {
    public static void main(String[] a) throws Exception {
        var c = java.net.http.HttpClient.newHttpClient();
        var q = java.net.http.HttpRequest.newBuilder(java.net.URI.create("https://server/")).build();
        System.out.println(c.send(q, java.net.http.HttpResponse.BodyHandlers.ofString()).body());
    }
}
]]

for name, args in pairs(clients) do
  case("trusts-" .. name, function(net)
    local site = net.server:tls { port = 443, chain = tls.chain { key = "rsa" }, body = "hello from the lab\n", routes = {
      ["/"] = { body = "hello from the lab\n" }, ["/repo/info/refs"] = { body = ("0"):rep(40) .. "\trefs/heads/main\n", headers = { ["Content-Type"] = "text/plain" } } } }
    args.files, args.timeout, args.quiet = { ["Get.java"] = java }, "40s", true
    local e = net.client:run(args)
    expect(e.code, e.errors):equals(0)
    if name ~= "openssl" and name ~= "git" then expect(e.output):matches "hello from the lab" end
    expect(site.accepted):equals(1)
    -- One that nobody vouches for is refused.
    net.server:tls { port = 444, chain = tls.chain { untrusted = true, key = "rsa" }, body = "x" }
    local bad = { files = args.files, timeout = "40s", quiet = true }
    for i, a in ipairs(args) do bad[i] = a:gsub("server/", "server:444/"):gsub("server:443", "server:444") end
    bad.files = { ["Get.java"] = java:gsub("server/", "server:444/") }
    expect(net.client:run(bad).code):differs_from(0)
  end, { "program:" .. name })
end

case("output-and-exit", function(net)
  local e = net.client:run { "sh", "-c", "echo out; echo err >&2; cat; exit 3", input = "given", env = { A = "b" } }
  expect(e.code):equals(3)
  expect(e.output):equals "out\ngiven"
  expect(e.errors):equals "err\n"
  expect(e.signal):is_nil()
  expect(net.client:run({ "sh", "-c", "kill -KILL $$" }).signal):equals "SIGKILL"
  expect(net.client:run({ "sh", "-c", "echo $A; cat $DIR/f", env = { A = "b" }, files = { f = "text" } }).output):equals "b\ntext"
end)

case("names", function(net)
  local e = net.client:run { "cat", "/etc/hosts", quiet = true }
  expect(e.output):matches(net.server.addr:gsub("%.", "%%.") .. " server\n")
end)

-- Whatever a program does, nothing of it is left, and the result says what it did.
case("ignores-term", function(net)
  local p = net.server:start { "sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done", ready = { line = "ready" } }
  local e = p:stop { grace = "300ms" }
  expect(e.timeout):is_true()
  expect(e.signal):equals "SIGKILL"
end)

case("forks-away", function(net)
  -- The program ends at once; what it forked listens on, and ends with the stop.
  local p = net.server:start { "python3", "-c", [[
import os, socket, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(('', 80)); s.listen()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(3600)
    os._exit(0)
]], ready = { port = 80 }, timeout = "40s" }
  expect(p:wait().code):equals(0)
  expect(#net.server:sockets { state = "LISTEN", port = 80 }):equals(1)
  p:stop()
  expect(#net.server:sockets { state = "LISTEN", port = 80 }):equals(0)
end, { "program:python3" })

case("floods", function(net)
  local e = net.client:run { "sh", "-c", "head -c 50000000 /dev/zero | tr '\\0' 'x'; echo done >&2", quiet = true }
  expect(e.code):equals(0)
  expect(#e.output):equals(1024 * 1024)
  expect(e.dropped):equals(50000000 - 1024 * 1024)
  expect(e.errors):equals "done\n"
end)

case("never-ends", function(net)
  local e = net.client:run { "sleep", "3600", timeout = "300ms" }
  expect(e.timeout):is_true()
end)

case("signals", function(net)
  local p = net.server:start { "sh", "-c", "trap 'echo got it' USR1; echo ready; while :; do sleep 0.05; done", ready = { line = "ready" } }
  p:signal "USR1"
  expect(p:wait_line "got it"):is_true()
  expect(p.running):is_true()
  expect(p:stop().signal):equals "SIGTERM"
  expect(p.running):equals(false)
end)

case("orphans-are-buried", function(net)
  -- What a program forks and forgets becomes nobody's zombie.
  local e = net.client:run { "sh", "-c", [[
    for i in 1 2 3; do (sh -c "exit 3" &); done
    while grep -qs '^State:.*Z' /proc/[0-9]*/status; do sleep 0.05; done
    echo none]], timeout = "8s" }
  expect(e.output):equals "none\n"
end)

case("never-ready", function(net)
  -- Asked, it says so; testdata/script/processes.txtar has what start says of it.
  local p = net.server:start { "sh", "-c", "echo starting; exec sleep 3600", ready = { line = "starting" } }
  local ok, why = p:wait_line("listening", { timeout = "200ms" })
  expect(ok):is_nil()
  expect(why):equals "timeout"
end)
