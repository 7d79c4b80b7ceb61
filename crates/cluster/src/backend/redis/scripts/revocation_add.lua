-- Writes a revocation to the log.
--
-- KEYS  1 the log
-- ARGV  1 kind  2 id  3 before  4 after so many seconds it may be forgotten  5 entries at most
-- Result  added until · full
-- Atomic: forgetting what may be forgotten, the count and the entry. A repeat adds it again, which says the same.

local now = tonumber(redis.call('TIME')[1])
trim(KEYS[1], now)
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[5]) then return { 'full' } end
local ends = whole_number(now + tonumber(ARGV[4]))
add(KEYS[1], ARGV[1], ARGV[2], ARGV[3], ends)
return { 'added', ends }
