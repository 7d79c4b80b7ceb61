-- Counts a session for its user.
--
-- KEYS  1 the user's sessions: peer -> node
-- ARGV  1 peer  2 node  3 sessions at most
-- Result  1: counted (or was already); 0: that would be one too many
-- Atomic: the count and the entry.

local known = redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1
if not known and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
