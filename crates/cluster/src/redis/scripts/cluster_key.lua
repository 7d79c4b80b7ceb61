-- The key under which nodes authenticate frames to one another.
--
-- KEYS  1 the cluster's hash
-- ARGV  1 a key, in hex
-- Result  the key there is, in hex: the one offered if there was none
-- Atomic: of nodes that start together, all get the first one's.

if redis.call('HSETNX', KEYS[1], 'key', ARGV[1]) == 1 then redis.call('HSET', KEYS[1], 'generation', '1') end
return redis.call('HGET', KEYS[1], 'key')
