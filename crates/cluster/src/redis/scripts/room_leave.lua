-- Leaves a room; a name that it held is free. The last one out deletes it.
--
-- KEYS  1 members  2 roster  3 meta  4 the bucket's revision  5 the bucket's marker
-- ARGV  1 peer  2 epoch
-- Result
--   left changed revision {node, …}    changed 0: not in the room, or there with a higher epoch
--   forgotten · corrupt peer
-- Atomic: set, roster and meta change together; a deleted room leaves its revision to the bucket in the same step, so
-- that a room of that name goes on above it.

local members, roster, meta, floor, alive = unpack(KEYS)
local peer, epoch = ARGV[1], tonumber(ARGV[2])

if redis.call('EXISTS', alive) == 0 then return { 'forgotten' } end

local known = member(members, roster, peer)
if known == false then return { 'corrupt', peer } end
if not known or known.epoch > epoch then
  return { 'left', 0, tonumber(redis.call('HGET', meta, 'revision') or 0), nodes(roster) }
end

local revision = remove(members, roster, meta, peer, known)
if redis.call('SCARD', members) == 0 then
  redis.call('DEL', roster, meta)
  if revision > tonumber(redis.call('GET', floor) or 0) then redis.call('SET', floor, whole_number(revision)) end
end
return { 'left', 1, revision, nodes(roster) }
