-- Leaves a room; a name that it held is free. The last one out deletes it.
--
-- KEYS  1 members  2 roster  3 meta  4 the bucket's revision  5 the bucket's marker
-- ARGV  1 peer  2 epoch
-- Result
--   left changed revision {node, …}    changed 0: not in the room, or there with a higher epoch
--   forgotten
-- Atomic: set, roster and meta change together, and a room that is deleted leaves its revision behind in the same step. A
-- member whose record is lost leaves with any epoch: nobody could take it out otherwise.

local members, roster, meta, floor, alive = unpack(KEYS)
local peer, epoch = ARGV[1], tonumber(ARGV[2])

if redis.call('EXISTS', alive) == 0 then return { 'forgotten' } end

local known = member(members, roster, peer)
if known == nil or (known and known.epoch > epoch) then
  return { 'left', 0, number_of(redis.call('HGET', meta, 'revision')) or 0, nodes(roster) }
end

local revision = remove(members, roster, meta, peer, known)
delete_if_empty(members, roster, meta, floor, revision)
return { 'left', 1, revision, nodes(roster) }
