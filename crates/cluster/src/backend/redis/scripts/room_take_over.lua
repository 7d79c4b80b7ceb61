-- Moves a member to another epoch or node, or between live and away.
--
-- KEYS  1 members  2 roster  3 meta  4 the bucket's marker
-- ARGV  1 peer  2 epoch  3 node  4 '1': away, '0': not  5 '1': whoever asks needs the whole room
-- Result
--   taken changed(0|1) revision ready capacity {peer, record, …}
--   moved changed(0|1) revision ready capacity order {peer, record} {node, …}    the same without the others
--   none (not in the room, or its record is lost) · stale epoch · forgotten
-- Atomic: record and revision change together. The same again changes neither.

local members, roster, meta, alive = unpack(KEYS)
local peer, epoch, node, away = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4] == '1'

if redis.call('EXISTS', alive) == 0 then return { 'forgotten' } end

local known = member(members, roster, peer)
if not known then return { 'none' } end
if known.epoch > epoch then return { 'stale', known.epoch } end

local changed = 0
if known.epoch ~= epoch or known.node ~= node or is_away(known.flags) ~= away then
  changed = 1
  known.epoch, known.node = epoch, node
  known.flags = string.sub(known.flags, 1, 1) .. (away and 'a' or '-') .. string.sub(known.flags, 3)
  write(roster, peer, known)
  add(meta, 'revision', 1)
end
if ARGV[5] == '1' then return { 'taken', changed, whole(roster, meta) } end
return { 'moved', changed, place(roster, meta, peer) }
