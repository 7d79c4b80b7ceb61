-- Enters a room, or creates it.
--
-- KEYS  1 members  2 roster  3 meta  4 the bucket's revision  5 the bucket's marker
-- ARGV  1 peer  2 epoch  3 node  4 flags  5 user, percent-encoded  6 capacity if new  7 '1': may create  8 rest
--       9 '': claims no name; else from whom it takes it: 'free' nobody, 'own' the same user, 'any' anybody  10 that name
--       11 '1': whoever asks needs the whole room
-- Result
--   joined {peer, record} revision ready capacity {peer, record, …}    it is in; first, if any, who had to make way
--   entered {peer, record} revision ready capacity order {peer, record} {node, …}    the same without the others
--   taken (another member holds the name) · full capacity · none (no such room) · stale epoch · forgotten
-- Atomic: set, roster and meta change together, or nothing does, but that a member whose record is lost is out first. A
-- repeat changes nothing; of the same epoch, a place that another node keeps as away is taken back. Where somebody has to
-- make way, that is two steps of the revision.

local members, roster, meta, floor, alive = unpack(KEYS)
local peer, epoch, node, flags, user, capacity, may_create, rest, claim, name, wants_whole = unpack(ARGV)
epoch = tonumber(epoch)
flags = with_name(flags, claim ~= '')
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
    local m = read(entries[at + 1])
    local order = m and tonumber(m.order)
    if m and m.user == user and is_away(m.flags) and not is_hidden(m.flags) and (not lowest or order < lowest) then
      found, lowest = entries[at], order
    end
  end
  return found
end

local function note_name()
  if claim ~= '' then hold_name(meta, peer, name) else free_name_of(meta, peer) end
end

-- It is in.
local function answer(evicted)
  if wants_whole == '1' then return { 'joined', evicted, whole(roster, meta) } end
  return { 'entered', evicted, place(roster, meta, peer) }
end

if redis.call('EXISTS', alive) == 0 then return { 'forgotten' } end

local known = member(members, roster, peer)
if known == false then
  delete_if_empty(members, roster, meta, floor, remove(members, roster, meta, peer, known))
  known = nil
end
if known and known.epoch > epoch then return { 'stale', known.epoch } end
if known and known.epoch == epoch and known.node == node and not is_away(known.flags) then
  return answer({})
end

local holder, its
if claim ~= '' then holder, its = holder_of(members, roster, meta, name) end
if holder == peer then holder = nil end
if holder and not takes_from(its, claim, user) then return { 'taken' } end

if known then
  local evicted = evict(members, roster, meta, holder)
  note_name()
  -- Order and time stay, and so does being hidden, on which both depend.
  flags = string.sub(known.flags, 1, 1) .. string.sub(flags, 2)
  known.epoch, known.node, known.flags, known.user = epoch, node, flags, user
  known.version, known.rest = VERSION, rest
  write(roster, peer, known)
  add(meta, 'revision', 1)
  return answer(evicted)
end

local present = redis.call('SCARD', members)
if present == 0 and may_create ~= '1' then return { 'none' } end
local room = redis.call('HMGET', meta, 'capacity', 'hidden')
if present > 0 and number_of(room[1]) then capacity = room[1] end
if present > 0 and not number_of(room[1]) then redis.call('HSET', meta, 'capacity', capacity) end
local visible = present - (present > 0 and number_of(room[2]) or 0)
if holder and not is_hidden(its.flags) then visible = visible - 1 end

local leaves = holder
if not hidden and visible >= tonumber(capacity) then
  leaves = not holder and own_away_one()
  if not leaves then return { 'full', tonumber(capacity) } end
  visible = visible - 1
end
local evicted = evict(members, roster, meta, leaves)

local now = now_ms()
if present == 0 then
  redis.call('DEL', roster, meta)
  redis.call('HSET', meta, 'revision', whole_number(number_of(redis.call('GET', floor)) or 0), 'ready', '0', 'capacity', capacity,
    'owner', user, 'created_at', now, 'order', '0', 'hidden', '0')
end

local order = '0'
if hidden then
  add(meta, 'hidden', 1)
else
  order = whole_number(add(meta, 'order', 1))
end
redis.call('SADD', members, peer)
note_name()
write(roster, peer,
  { version = VERSION, epoch = epoch, node = node, order = order, flags = flags, user = user, joined_at = now,
    rest = rest })
local revision = add(meta, 'revision', 1)
if not hidden and visible == 1 then redis.call('HSET', meta, 'ready', whole_number(revision)) end
return answer(evicted)
