-- The whole room.
--
-- KEYS  1 roster  2 meta  3 the bucket's marker
-- ARGV  none
-- Result
--   roster revision ready capacity {peer, record, …}    all 0 and empty for a room that does not exist
--   forgotten
-- Atomic: everyone at one revision. Changes nothing.

local roster, meta, alive = unpack(KEYS)

if redis.call('EXISTS', alive) == 0 then return { 'forgotten' } end

return { 'roster', whole(roster, meta) }
