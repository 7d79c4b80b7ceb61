-- Writes down which node owns a session.
--
-- KEYS  1 the peer's hash
-- ARGV  1 epoch  2 node  3 user
-- Result
--   attached former-node former-epoch    '' and 0 where there was no other epoch before
--   stale epoch                          a higher epoch, or this one on another node, owns it
-- Atomic: compare and take over. The former owner is kept beside, so that a repeat answers as the first did.

local epoch, node, user = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local known = redis.call('HMGET', KEYS[1], 'epoch', 'node', 'former_node', 'former_epoch')
local known_epoch, known_node = tonumber(known[1] or 0), known[2]

if known_node and (known_epoch > epoch or (known_epoch == epoch and known_node ~= node)) then
  return { 'stale', known_epoch }
end
if known_node and known_epoch == epoch then
  return { 'attached', known[3] or '', tonumber(known[4] or 0) }
end

redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'node', node, 'user', user)
if not known_node then return { 'attached', '', 0 } end
redis.call('HSET', KEYS[1], 'former_node', known_node, 'former_epoch', known[1])
return { 'attached', known_node, known_epoch }
