-- Writes down which node owns a session.
--
-- KEYS  1 the peer's hash
-- ARGV  1 epoch  2 node  3 user  4 of a resume: the epoch of the secret that was shown; else ''  5 what its client has
--       shown, '' where that is not known
-- Result
--   attached former-node former-epoch {room, …}    '' and 0 where there was no other epoch before
--   unknown                              a resume of a session that is not here
--   outdated                             the secret is older than what the client has proven since
--   stale epoch                          a higher epoch, or this one on another node, owns it
-- Atomic: compare and take over. The former owner is kept beside, so that a repeat answers as the first did. A number that
-- is none counts as 0, a node that is none as nobody.

local epoch, node, user, shown = tonumber(ARGV[1]), ARGV[2], ARGV[3], tonumber(ARGV[4])
local known = redis.call('HMGET', KEYS[1], 'epoch', 'node', 'proven', 'former_node', 'former_epoch')
local known_epoch, known_node, proven = number_of(known[1]) or 0, known[2], number_of(known[3]) or 0
local former_node, former_epoch = node_of(known[4]) or '', number_of(known[5]) or 0

local function note_shown()
  if ARGV[5] ~= '' then redis.call('HSET', KEYS[1], 'shown', ARGV[5]) end
end

local function rooms()
  local list = {}
  for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
    local room = string.match(field, '^room:(.+)$')
    if room then list[#list + 1] = room end
  end
  return list
end

if not known_node then
  if shown then return { 'unknown' } end
  redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'proven', ARGV[1], 'node', node, 'user', user)
  note_shown()
  return { 'attached', '', 0, {} }
end
if known_epoch > epoch or (known_epoch == epoch and known_node ~= node) then
  return { 'stale', known_epoch }
end
if known_epoch < epoch then
  if shown and shown < proven then return { 'outdated' } end
  former_node, former_epoch = node_of(known_node) or '', known_epoch
  redis.call('HDEL', KEYS[1], 'away')
  redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'node', node, 'user', user,
    'former_node', former_node, 'former_epoch', whole_number(former_epoch))
end
note_shown()
return { 'attached', former_node, former_epoch, rooms() }
