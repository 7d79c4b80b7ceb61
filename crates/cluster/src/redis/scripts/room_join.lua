-- Enters a room, or creates it.
--
-- KEYS  1 members  2 roster  3 meta  4 the bucket's revision  5 the bucket's marker
-- ARGV  1 peer  2 epoch  3 node  4 flags  5 user, percent-encoded  6 capacity if new  7 '1': may create  8 tail
-- Result
--   joined evicted revision ready capacity {peer, record, …}    it is in; evicted: who had to make room, or ''
--   full capacity · none (no such room) · stale epoch · forgotten · corrupt peer
-- Atomic: set, roster and meta change together, or nothing does. A repeat changes nothing; of the same epoch, a place that
-- another node keeps as away is taken back. Where somebody has to make room, that is two steps of the revision.

local members, roster, meta, floor, alive = unpack(KEYS)
local peer, epoch, node, flags, user, capacity, may_create, tail = unpack(ARGV)
epoch = tonumber(epoch)
local hidden = is_hidden(flags)

local function now_ms()
  local time = redis.call('TIME')
  return whole_number(tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000))
end

-- The first of the same user's visible sessions that are away; nil: there is none.
local function own_away_one()
  local found, lowest
  local entries = redis.call('HGETALL', roster)
  for at = 1, #entries, 2 do
    local version, order, its_flags, its_user = string.match(entries[at + 1], '^(%d+) %d+ %S+ (%d+) (%S+) (%S+)')
    order = tonumber(order)
    if version == VERSION and its_user == user and is_away(its_flags) and not is_hidden(its_flags)
      and (not lowest or order < lowest) then
      found, lowest = entries[at], order
    end
  end
  return found
end

if redis.call('EXISTS', alive) == 0 then return { 'forgotten' } end

local known = member(members, roster, peer)
if known == false then return { 'corrupt', peer } end
if known then
  if known.epoch > epoch then return { 'stale', known.epoch } end
  if known.epoch < epoch or known.node ~= node or is_away(known.flags) then
    -- Order and time stay, and so does being hidden, on which both depend.
    flags = string.sub(known.flags, 1, 1) .. string.sub(flags, 2)
    known.epoch, known.node, known.flags, known.user, known.tail = epoch, node, flags, user, tail
    write(roster, peer, known)
    redis.call('HINCRBY', meta, 'revision', 1)
  end
  return { 'joined', '', whole(roster, meta) }
end

local present = redis.call('SCARD', members)
if present == 0 and may_create ~= '1' then return { 'none' } end
local room = redis.call('HMGET', meta, 'capacity', 'hidden')
if present > 0 then capacity = room[1] end
local visible = present - (present > 0 and tonumber(room[2]) or 0)

local evicted = ''
if not hidden and visible >= tonumber(capacity) then
  evicted = own_away_one()
  if not evicted then return { 'full', tonumber(capacity) } end
  redis.call('SREM', members, evicted)
  redis.call('HDEL', roster, evicted)
  redis.call('HINCRBY', meta, 'revision', 1)
  visible = visible - 1
end

local now = now_ms()
if present == 0 then
  redis.call('DEL', roster, meta)
  redis.call('HSET', meta, 'revision', redis.call('GET', floor) or '0', 'ready', '0', 'capacity', capacity,
    'owner', user, 'created_at', now, 'order', '0', 'hidden', '0')
end

local order = '0'
if hidden then
  redis.call('HINCRBY', meta, 'hidden', 1)
else
  order = whole_number(redis.call('HINCRBY', meta, 'order', 1))
end
redis.call('SADD', members, peer)
write(roster, peer,
  { epoch = epoch, node = node, order = order, flags = flags, user = user, joined_at = now, tail = tail })
local revision = redis.call('HINCRBY', meta, 'revision', 1)
if not hidden and visible == 1 then redis.call('HSET', meta, 'ready', whole_number(revision)) end
return { 'joined', evicted, whole(roster, meta) }
