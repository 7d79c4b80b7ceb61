-- What follows a position in the log.
--
-- KEYS  1 the log
-- ARGV  1 the last entry that was read, '' where there was none  2 entries at most
-- Result  1: from the start, because the log does not reach that position; 0: from behind it · {{id, {field, value, …}}, …}
-- Atomic: the look at the end of the log and the reading.

local function parts(id)
  local time, number = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(time) or 0, tonumber(number) or 0
end

local from, lost = ARGV[1], 0
if from ~= '' then
  local time, number = parts(from)
  local last_time, last_number = parts(last_id(KEYS[1]))
  if last_time < time or (last_time == time and last_number < number) then from, lost = '', 1 end
end
if from == '' then
  return { lost, redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', ARGV[2]) }
end
-- XRANGE takes an open start from Redis 6.2 on only.
local read = redis.call('XREAD', 'COUNT', ARGV[2], 'STREAMS', KEYS[1], from)
return { lost, read and read[1] and read[1][2] or {} }
