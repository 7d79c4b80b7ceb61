-- Notes that a user's tokens from before a moment are worth nothing.
--
-- KEYS  1 the user's cut-off
-- ARGV  1 that moment, seconds since 1970; '': now  2 after so many seconds it may be forgotten
-- Result  the moment that counts: the later one of this and what was there
-- Atomic: the comparison and the change.

local before = tonumber(ARGV[1]) or tonumber(redis.call('TIME')[1])
local known = number_of(text_at(KEYS[1]))
if known and known > before then before = known end
redis.call('SET', KEYS[1], whole_number(before), 'EX', ARGV[2])
return whole_number(before)
