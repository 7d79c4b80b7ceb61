-- Notes what the client of an epoch has shown since it came.
--
-- KEYS  1 the peer's hash
-- ARGV  1 epoch  2 what it has shown
-- Result  1; 0 where the epoch is not the known one
-- Atomic: the check and the change.

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'shown', ARGV[2])
return 1
