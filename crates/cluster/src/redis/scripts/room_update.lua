-- Writes a member's profile anew.
--
-- KEYS  1 members  2 roster  3 meta  4 the bucket's marker
-- ARGV  1 peer  2 epoch  3 tail
-- Result
--   updated revision changed(0|1) {node, …} · none (not in the room with this epoch) · forgotten · corrupt peer
-- Atomic: record and revision change together. The same profile again changes neither.

local members, roster, meta, alive = unpack(KEYS)
local peer, epoch, tail = ARGV[1], tonumber(ARGV[2]), ARGV[3]

if redis.call('EXISTS', alive) == 0 then return { 'forgotten' } end

local known = member(members, roster, peer)
if known == false then return { 'corrupt', peer } end
if not known or known.epoch ~= epoch then return { 'none' } end

local changed = 0
if known.tail ~= tail then
  changed = 1
  known.tail = tail
  write(roster, peer, known)
  redis.call('HINCRBY', meta, 'revision', 1)
end
return { 'updated', tonumber(redis.call('HGET', meta, 'revision')), changed, nodes(roster) }
