-- Leaves a room; a name that it held is free. The last one out deletes it.
--
-- KEYS  1 members  2 roster  3 meta  4 the bucket's revision  5 the bucket's marker
-- ARGV  1 peer  2 epoch  3 a node: only where the member is away and this node keeps its place; else ''
-- Result
--   left changed revision {node, …}    changed 0: not in the room, there with a higher epoch, or not kept by that node
--   forgotten
-- Atomic: set, roster and meta change together, and a room that is deleted leaves its revision behind in the same step. A
-- member whose record is lost leaves with any epoch, unless a node is named: nobody could take it out otherwise.

local members, roster, meta, floor, alive = unpack(KEYS)
local peer, epoch, keeper = ARGV[1], tonumber(ARGV[2]), ARGV[3]

if redis.call('EXISTS', alive) == 0 then return { 'forgotten' } end

local known = member(members, roster, peer)
local is_kept = keeper == '' or (known and known.node == keeper and is_away(known.flags))
if known == nil or (known and known.epoch > epoch) or not is_kept then
  return { 'left', 0, number_of(redis.call('HGET', meta, 'revision')) or 0, nodes(roster) }
end

local revision = remove(members, roster, meta, peer, known)
delete_if_empty(members, roster, meta, floor, revision)
return { 'left', 1, revision, nodes(roster) }
