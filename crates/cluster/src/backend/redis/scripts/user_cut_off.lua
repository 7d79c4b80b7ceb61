-- Notes that a user's tokens from before a moment are worth nothing.
--
-- KEYS  1 the user's cut-off
-- ARGV  1 that moment, seconds since 1970  2 after so many seconds it may be forgotten
-- Result  1
-- Atomic: the comparison and the change. Of two moments the later one counts.

local known = number_of(text_at(KEYS[1]))
local before = math.max(tonumber(ARGV[1]), known or 0)
redis.call('SET', KEYS[1], whole_number(before), 'EX', ARGV[2])
return 1
