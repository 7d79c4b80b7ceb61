-- Adds or removes a room of the peer's intended ones: the field `room:<id>` of its hash.
--
-- KEYS  1 the peer's hash
-- ARGV  1 epoch  2 room  3 '1': wanted, '0': not
-- Result  1; 0 where the epoch is not the known one
-- Atomic: the check and the change.

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
if ARGV[3] == '1' then
  redis.call('HSET', KEYS[1], 'room:' .. ARGV[2], '')
else
  redis.call('HDEL', KEYS[1], 'room:' .. ARGV[2])
end
return 1
