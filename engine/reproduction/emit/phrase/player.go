package phrase

import (
	"strconv"
	"strings"
)

// player is what a played side says its packets with.
//
//nolint:dupword // it is Lua
const player = `local conn, acked, window = nil, 1, 500
local function forge(flags, seq, ack, win, payload)
  acked, window = math.max(acked, ack), win
  net.wan:inject { conn = conn, toward = LIVE, flags = flags, seq = seq, ack = ack, win = win, payload = payload }
end
-- Waits until the LIVE has sent all before n. It may send in more steps than it did then: what came is
-- acknowledged when no more comes, as a delayed acknowledgement would do.
local function heard(n, seq)
  local came, quiet = 1, 0
  for _ = 1, 5000 do
    local now = conn and conn.snd_next or 1
    if conn and now >= n then return end
    came, quiet = now, now == came and quiet + 1 or 0
    if quiet == 100 and came > acked then forge(".", seq, came, window) end
    sleep "1ms"
  end
end
-- A packet of the PLAYED, cut to what the path takes.
local function say(flags, seq, ack, text, win)
  heard(ack, seq)
  repeat
    local part = text:sub(1, PIECE)
    text = text:sub(#part + 1)
    forge(text == "" and flags or ".", seq, ack, win, #part > 0 and part or nil)
    seq = seq + #part
  until text == ""
end
`

// Player is the lines of the functions with which the packets of side are said, each with at
// most piece bytes.
func Player(side, piece int) []string {
	r := strings.NewReplacer("LIVE", Sides[1-side], "PLAYED", Sides[side], "PIECE", strconv.Itoa(piece))
	return strings.Split(r.Replace(player), "\n")
}
