-- Notes that the client of an epoch said something after its welcome.
--
-- KEYS  1 the peer's hash
-- ARGV  1 epoch
-- Result  1; 0 where the epoch is not the known one
-- Atomic: the check and the change.

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'proven', ARGV[1])
return 1
