-- Writes a member's profile anew.
--
-- KEYS  1 members  2 roster  3 meta  4 the bucket's marker
-- ARGV  1 peer  2 epoch  3 rest
-- Result
--   updated revision changed(0|1) {node, …} · none (not in the room with this epoch, or its record is lost) · forgotten
--   corrupt peer    its record is of another version
-- Atomic: record and revision change together. The same profile again changes neither. A record of another version stays
-- as it is: it may say more than this release knows of, which would be lost. Its session changes its state through a node
-- of that release, or joins again.

local members, roster, meta, alive = unpack(KEYS)
local peer, epoch, rest = ARGV[1], tonumber(ARGV[2]), ARGV[3]

if redis.call('EXISTS', alive) == 0 then return { 'forgotten' } end

local known = member(members, roster, peer)
if not known or known.epoch ~= epoch then return { 'none' } end
if known.version ~= VERSION then return { 'corrupt', peer } end

local changed = 0
if known.rest ~= rest then
  changed = 1
  known.rest = rest
  write(roster, peer, known)
  add(meta, 'revision', 1)
end
return { 'updated', number_of(redis.call('HGET', meta, 'revision')) or 0, changed, nodes(roster) }
