-- Deletes what is kept of a session, unless a higher epoch owns it.
--
-- KEYS  1 the peer's hash
-- ARGV  1 epoch
-- Result  1: it is gone now (or was already); 0: a successor owns it
-- Atomic: the check and the deletion.

local known = number_of(redis.call('HGET', KEYS[1], 'epoch')) or 0
if known > tonumber(ARGV[1]) then return 0 end
redis.call('DEL', KEYS[1])
return 1
