-- The key under which nodes authenticate frames to one another.
--
-- KEYS  1 the cluster's hash
-- ARGV  1 a key, in hex  2 its generation
-- Result  key in hex, generation: what was offered if there was none that can be read, or one of a lower generation, else
--         what there is; then 1 if what was there could not be read, else 0; then the key that was replaced last, in hex, or
--         nothing: what was made with that one is still good
-- Atomic: of nodes that start together, all get the first one's.

local known = redis.pcall('HMGET', KEYS[1], 'key', 'generation', 'former')
if known.err then
  -- Something else stands there, which is of no use to anybody.
  redis.call('DEL', KEYS[1])
  known = { '' }
end
local key = known[1] and #known[1] == 64 and string.match(known[1], '^%x+$')
local generation = number_of(known[2]) or 0
local former = known[3] or ''
if key and generation >= tonumber(ARGV[2]) then return { key, generation, 0, former } end
if key and key ~= ARGV[1] then former = key end
redis.call('HSET', KEYS[1], 'key', ARGV[1], 'generation', ARGV[2], 'former', former)
return { ARGV[1], tonumber(ARGV[2]), known[1] and not key and 1 or 0, former }
