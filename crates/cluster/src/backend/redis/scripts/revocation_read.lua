-- What follows a position in the log.
--
-- KEYS  1 the log
-- ARGV  1 the last entry that was read, '' where there was none  2 entries at most
-- Result  now · 1: from the start, because the log does not have that entry; 0: from behind it · {{id, {field, value, …}}, …}
-- Atomic: the look at that entry and the reading. An entry goes once all before it may be forgotten too, and so where one is
-- missing, the log has lost some, or there are few.

local from, lost = ARGV[1], 0
if from ~= '' and #redis.call('XRANGE', KEYS[1], from, from) == 0 then from, lost = '', 1 end
if from == '' then
  return { whole_number(now), lost, redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', ARGV[2]) }
end
-- XRANGE takes an open start from Redis 6.2 on only.
local read = redis.call('XREAD', 'COUNT', ARGV[2], 'STREAMS', KEYS[1], from)
return { whole_number(now), lost, read and read[1] and read[1][2] or {} }
