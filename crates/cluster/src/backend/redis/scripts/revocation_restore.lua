-- Writes entries again that the log has lost.
--
-- KEYS  1 the log
-- ARGV  1 the last entry that the node has read, '' where there was none  2 entries at most  3… kind, id, before and until of each
-- Result  1: done; 0: the log has other entries by now, perhaps these, and the node is to read them first
-- Atomic: the comparison and all entries. Of several nodes that have noticed the same loss, one writes.

if last_id(KEYS[1]) ~= ARGV[1] then return 0 end
local left = tonumber(ARGV[2]) - redis.call('XLEN', KEYS[1])
for at = 3, #ARGV, 4 do
  if left <= 0 then break end
  add(KEYS[1], ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3])
  left = left - 1
end
return 1
