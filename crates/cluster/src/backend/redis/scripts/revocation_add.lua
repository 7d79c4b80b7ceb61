-- Writes a revocation to the log.
--
-- KEYS  1 the log
-- ARGV  1 kind  2 id  3 of a user: before; '': now  4 after so many seconds it may be forgotten  5 entries at most
-- Result  added now until · full
-- Atomic: forgetting what may be forgotten, the count and the entry. A repeat adds it again, which says the same.

trim()
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[5]) then return { 'full' } end
local before = ARGV[3]
if ARGV[1] == 'user' and before == '' then before = whole_number(now) end
local ends = whole_number(now + tonumber(ARGV[4]))
add(ARGV[1], ARGV[2], before, ends)
return { 'added', whole_number(now), ends }
