-- Counts a session for its user.
--
-- KEYS  1 the user's sessions: peer -> node  2 the user's cut-off: seconds since 1970
-- ARGV  1 peer  2 node  3 sessions at most  4 when its token was made, seconds since 1970; '' where it does not say
-- Result
--   admitted          counted (or was already)
--   full              that would be one too many
--   revoked cut-off   its token was made before the cut-off, or does not say when
-- Atomic: the look at the cut-off, the count and the entry.

local cut_off = number_of(text_at(KEYS[2]))
local issued_at = tonumber(ARGV[4])
if cut_off and (not issued_at or issued_at < cut_off) then
  return { 'revoked', whole_number(cut_off) }
end
local known = redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1
if not known and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then return { 'full' } end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return { 'admitted' }
