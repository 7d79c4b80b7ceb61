-- Notes that a session has no connection, and since when.
--
-- KEYS  1 the peer's hash
-- ARGV  1 epoch  2 the node that keeps its places
-- Result  1: it is that node's, or is not known, or with a lower epoch, and then nothing is noted; 0: it is another's
-- Atomic: the check and the change. A repeat keeps the time of the first. The note is `epoch microseconds` and counts for
-- that epoch alone: a node of an earlier release that takes the session leaves it there.

local known = redis.call('HMGET', KEYS[1], 'epoch', 'node')
local epoch = tonumber(ARGV[1])
local known_epoch = number_of(known[1]) or 0
if known_epoch > epoch or (known_epoch == epoch and known[2] ~= ARGV[2]) then return 0 end
if known_epoch == epoch then
  local time = redis.call('TIME')
  local now = whole_number(tonumber(time[1]) * 1000000 + tonumber(time[2]))
  local noted = redis.call('HGET', KEYS[1], 'away')
  if string.match(noted or '', '^(%d+) ') ~= ARGV[1] then
    redis.call('HSET', KEYS[1], 'away', ARGV[1] .. ' ' .. now)
  end
end
return 1
