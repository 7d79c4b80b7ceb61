-- Writes entries again that the log has lost.
--
-- KEYS  1 the log
-- ARGV  1 the last entry that the node has read, '' where there was none  2 entries at most  3… kind, id, before and until of each
-- Result
--   done id   all of them are in the log, the last one there
--   behind    the log has other entries by now, perhaps these, and the node is to read them first
--   full      it has no room for them
-- Atomic: the comparison and all entries. Of several nodes that have noticed the same loss, one writes.

if last_id() ~= ARGV[1] then return { 'behind' } end
if redis.call('XLEN', KEYS[1]) + (#ARGV - 2) / 4 > tonumber(ARGV[2]) then return { 'full' } end
local last = ARGV[1]
for at = 3, #ARGV, 4 do
  last = add(ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3])
end
return { 'done', last }
