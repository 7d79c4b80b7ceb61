-- What the scripts read and may find to be something else; put in front of those that need it.

-- Numbers stay below 2^53, where Lua's doubles are exact.
local NUMBER_MAX = 9007199254740991

-- A number that was written here; nil where something else stands in its place.
local function number_of(text)
  local number = text and string.match(text, '^%d+$') and tonumber(text)
  return number and number <= NUMBER_MAX and number or nil
end

-- As text. Left to itself, Redis from 7.2 on writes 1e+9.
local function whole_number(number)
  return string.format('%.0f', number)
end

-- A node's id; nil where something else stands in its place.
local function node_of(text)
  return text and #text <= 128 and string.match(text, '^[%w%._%-]+$')
end

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

