-- Notes which token the client of an epoch has shown.
--
-- KEYS  1 the peer's hash
-- ARGV  1 epoch  2 the mark of the token
-- Result  1; 0 where the epoch is not the known one
-- Atomic: the check and the change.

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'token', ARGV[2])
return 1
