-- The key under which nodes authenticate frames to one another.
--
-- KEYS  1 the cluster's hash
-- ARGV  1 a key, in hex  2 its generation
-- Result  key in hex, generation: what was offered if there was none or one of a lower generation, else what there is;
--         then the key that was replaced last, in hex, or nothing: what was made with that one is still good
-- Atomic: of nodes that start together, all get the first one's.

local known = redis.call('HMGET', KEYS[1], 'key', 'generation', 'former')
local former = known[3] or ''
if known[1] and tonumber(known[2] or 0) >= tonumber(ARGV[2]) then
  return { known[1], tonumber(known[2] or 0), former }
end
if known[1] and known[1] ~= ARGV[1] then former = known[1] end
redis.call('HSET', KEYS[1], 'key', ARGV[1], 'generation', ARGV[2], 'former', former)
return { ARGV[1], tonumber(ARGV[2]), former }
