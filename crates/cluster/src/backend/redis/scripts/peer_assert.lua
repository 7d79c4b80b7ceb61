-- Writes a session again where it is missing or has a lower epoch, and adds what is missing of its rooms. Those of a lower
-- epoch stay: some list it perhaps, and whoever asserts takes it out of those that it has left since.
--
-- KEYS  1 the peer's hash
-- ARGV  1 epoch  2 node  3 user  4 proven epoch  5 what its client has shown, '' where that is not known  6… its rooms
-- Result
--   known                   nothing was missing
--   restored
--   elsewhere node epoch    it is another node's with this epoch, or has a higher one
-- Atomic: compare and write. A repeat finds all known. A number that is none counts as 0, a node that
-- is none as nobody.

local epoch, node, user, proven = tonumber(ARGV[1]), ARGV[2], ARGV[3], tonumber(ARGV[4])
local known = redis.call('HMGET', KEYS[1], 'epoch', 'node', 'proven', 'shown')
local known_epoch, known_node = number_of(known[1]) or 0, node_of(known[2])
local answer = 'known'

if known_node and (known_epoch > epoch or (known_epoch == epoch and known_node ~= node)) then
  return { 'elsewhere', known_node, known_epoch }
end
if not known_node or known_epoch < epoch then
  redis.call('HDEL', KEYS[1], 'former_node', 'former_epoch', 'away')
  redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'node', node, 'user', user, 'proven', ARGV[4])
  answer = 'restored'
elseif (number_of(known[3]) or 0) < proven then
  redis.call('HSET', KEYS[1], 'proven', ARGV[4])
  answer = 'restored'
end
if ARGV[5] ~= '' and known[4] ~= ARGV[5] then
  redis.call('HSET', KEYS[1], 'shown', ARGV[5])
  answer = 'restored'
end
for at = 6, #ARGV do
  if redis.call('HSETNX', KEYS[1], 'room:' .. ARGV[at], '') == 1 then answer = 'restored' end
end
return { answer }
