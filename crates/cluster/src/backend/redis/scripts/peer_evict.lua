-- Takes a session that has no connection from its client: under the next epoch it is another node's, who ends it. No secret
-- is good for it any more.
--
-- KEYS  1 the peer's hash
-- ARGV  1 the epoch under which it was seen to be away  2 the node that takes it
-- Result  the node that had it; '' where it is not away any more, or not under that epoch
-- Atomic: the check and the change. One that has come back meanwhile stays.

local known = redis.call('HMGET', KEYS[1], 'epoch', 'node', 'away')
local former = node_of(known[2])
if known[1] ~= ARGV[1] or not former then return '' end
if string.match(known[3] or '', '^(%d+) ') ~= ARGV[1] then return '' end
local epoch = whole_number(tonumber(ARGV[1]) + 1)
redis.call('HDEL', KEYS[1], 'away')
redis.call('HSET', KEYS[1], 'epoch', epoch, 'proven', epoch, 'node', ARGV[2],
  'former_node', former, 'former_epoch', known[1])
return former
