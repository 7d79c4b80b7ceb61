-- Gives a session to another node without a new epoch. Whether it is away there, that one notes.
--
-- KEYS  1 the peer's hash
-- ARGV  1 epoch  2 the node that has it  3 the node that gets it
-- Result  1: it is the latter's; 0: it is neither's, or has another epoch
-- Atomic: the check and the change. A repeat finds it done.

local known = redis.call('HMGET', KEYS[1], 'epoch', 'node')
if known[1] ~= ARGV[1] or (known[2] ~= ARGV[2] and known[2] ~= ARGV[3]) then return 0 end
redis.call('HSET', KEYS[1], 'node', ARGV[3])
redis.call('HDEL', KEYS[1], 'away')
return 1
