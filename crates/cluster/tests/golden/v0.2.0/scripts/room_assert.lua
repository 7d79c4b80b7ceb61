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

-- What the scripts of a room share; put in front of each of them.
--
-- A record is text, `version epoch node order flags user joined_at length:tail`. All but the tail is its head: the places
-- of its words are the same in every version, so that any release can move a member, take it out, and find whom to tell.
-- What a later version adds goes behind the fourth flag, or into the tail. The tail is the peer's own and is never opened
-- here; with its length in front of it, it is the `rest`. Whoever writes a record of another version again keeps version,
-- further flags and rest as they are. Only a join writes all of it anew: there the client says everything again.
-- A record whose head cannot be read is no release's: it counts as lost.

local VERSION = '1'

-- Flags are letters at fixed places, `harn`, with '-' for what is not so: hidden, away, resumable, named. Earlier releases
-- write the first three.
local function is_hidden(flags)
  return string.sub(flags, 1, 1) == 'h'
end

local function is_away(flags)
  return string.sub(flags, 2, 2) == 'a'
end

local function is_named(flags)
  return string.sub(flags, 4, 4) == 'n'
end

local function with_name(flags, named)
  return string.sub(flags, 1, 3) .. (named and 'n' or '-') .. string.sub(flags, 5)
end

-- A record as a table; nil: its head cannot be read.
local function read(record)
  local version, epoch, node, order, flags, user, joined_at, start =
    string.match(record, '^(%d+) (%d+) (%S+) (%d+) (%S+) (%S+) (%d+) ()')
  if not start or #version > 9 or #flags < 3 then return nil end
  epoch = number_of(epoch)
  if not epoch or not number_of(order) or not number_of(joined_at) then return nil end
  return {
    version = version, epoch = epoch, node = node, order = order, flags = flags, user = user, joined_at = joined_at,
    rest = string.sub(record, start),
  }
end

-- The member's record; nil: it is not in; false: it is in, and its record is lost. The set decides who is in.
local function member(members, roster, peer)
  if redis.call('SISMEMBER', members, peer) == 0 then return nil end
  local record = redis.call('HGET', roster, peer)
  return record and read(record) or false
end

local function write(roster, peer, m)
  redis.call('HSET', roster, peer, table.concat({
    m.version, whole_number(m.epoch), m.node, m.order, m.flags, m.user, m.joined_at, m.rest,
  }, ' '))
end

-- Adds to a number in meta, which is returned. One that is none starts again: assertions take it above what anybody knows.
local function add(meta, field, by)
  local sum = redis.pcall('HINCRBY', meta, field, by)
  if type(sum) == 'number' then return sum end
  redis.call('HSET', meta, field, whole_number(math.max(by, 0)))
  return math.max(by, 0)
end

-- A name that is held has two fields in meta, `name:<name>` with the peer and `name_of:<peer>` with the name. They count
-- where the peer's record says that it is named: an earlier release takes members out and leaves the fields behind.

-- The peer that holds a name, and its record; nil: nobody does.
local function holder_of(members, roster, meta, name)
  local peer = redis.call('HGET', meta, 'name:' .. name)
  local m = peer and member(members, roster, peer)
  if not m or not is_named(m.flags) then return nil end
  return peer, m
end

local function free_name_of(meta, peer)
  local name = redis.call('HGET', meta, 'name_of:' .. peer)
  if not name then return end
  redis.call('HDEL', meta, 'name_of:' .. peer)
  if redis.call('HGET', meta, 'name:' .. name) == peer then redis.call('HDEL', meta, 'name:' .. name) end
end

local function hold_name(meta, peer, name)
  free_name_of(meta, peer)
  local former = redis.call('HGET', meta, 'name:' .. name)
  if former then redis.call('HDEL', meta, 'name_of:' .. former) end
  redis.call('HSET', meta, 'name:' .. name, peer, 'name_of:' .. peer, name)
end

-- Takes a member out, as one step of the revision, which is returned. `m`: its record, or false if that is lost.
local function remove(members, roster, meta, peer, m)
  redis.call('SREM', members, peer)
  redis.call('HDEL', roster, peer)
  if m and is_hidden(m.flags) then add(meta, 'hidden', -1) end
  free_name_of(meta, peer)
  return add(meta, 'revision', 1)
end

-- Where the last one is out, the room goes, and leaves its revision to the bucket: one of that name goes on above it.
local function delete_if_empty(members, roster, meta, floor, revision)
  if redis.call('SCARD', members) > 0 then return end
  redis.call('DEL', roster, meta)
  if revision > (number_of(redis.call('GET', floor)) or 0) then redis.call('SET', floor, whole_number(revision)) end
end

-- Whether a claim ('free', 'own', 'any') of this user takes a name from the member that holds it.
local function takes_from(m, claim, user)
  if claim == 'any' then return true end
  return m.user == user and (claim == 'own' or is_away(m.flags))
end

-- Takes a member out, if there is one to take out. Returns what the answer says of it.
local function evict(members, roster, meta, evicted)
  if not evicted then return {} end
  local record = redis.call('HGET', roster, evicted)
  remove(members, roster, meta, evicted, member(members, roster, evicted))
  return { evicted, record }
end

-- The nodes of all members, each once.
local function nodes(roster)
  local seen, list = {}, {}
  for _, record in ipairs(redis.call('HVALS', roster)) do
    local node = string.match(record, '^%d+ %d+ (%S+)')
    if node and not seen[node] then
      seen[node] = true
      list[#list + 1] = node
    end
  end
  return list
end

-- What follows a word in the answers that hold one member: revision, ready, capacity, highest order, {peer, record}, and
-- the nodes of all others, each once.
local function place(roster, meta, peer)
  local seen, list, own = {}, {}, nil
  local entries = redis.call('HGETALL', roster)
  for at = 1, #entries, 2 do
    if entries[at] == peer then
      own = entries[at + 1]
    else
      local node = string.match(entries[at + 1], '^%d+ %d+ (%S+)')
      if node and not seen[node] then
        seen[node] = true
        list[#list + 1] = node
      end
    end
  end
  local room = redis.call('HMGET', meta, 'revision', 'ready', 'capacity', 'order')
  return number_of(room[1]) or 0, number_of(room[2]) or 0, number_of(room[3]) or 0, number_of(room[4]) or 0,
    { peer, own }, list
end

-- What follows a word in the answers that hold a whole room: revision, ready, capacity, {peer, record, …}.
local function whole(roster, meta)
  local room = redis.call('HMGET', meta, 'revision', 'ready', 'capacity')
  return number_of(room[1]) or 0, number_of(room[2]) or 0, number_of(room[3]) or 0, redis.call('HGETALL', roster)
end

-- Writes a member again where it is missing or has a lower epoch, and takes the room above what is asserted of it.
--
-- KEYS  1 members  2 roster  3 meta  4 the bucket's revision  5 the bucket's marker
-- ARGV  1 peer  2 epoch  3 node  4 order  5 flags  6 user, percent-encoded  7 joined_at  8 rest
--       9 revision  10 ready  11 capacity  12 highest order  13 '1': above that revision, not only up to it
--       14 the name that it holds, if it is named  15 the version of its record
--       16 '1': its owner asserts it, and what was written last may be lost
--       17 how many revisions may be lost that nobody asserts
-- Result
--   known revision                  nothing was missing
--   restored revision behind(0|1) {node, …}    written again, or the room's revision was behind (1) or not above
--   stale epoch
-- Atomic: set, roster and meta change together. It does not ask for the bucket's marker: this is how a bucket without
-- one is filled. Of everything that is asserted the highest counts, so the order of assertions does not matter, and a
-- repeat finds all known. Of two that hold one name, the one that joined later does, whoever is asserted first: it took the
-- name from the other, or found it free. Under the same epoch a record stays as it is, unless its owner asserts it: then
-- node, being away, rest and the place of a later join count, where the record is of that version. A room that is behind
-- went back in time, and what else is in the bucket did so too: its marker is deleted with the same step, before anybody is
-- shown the room. Who asserts may not have heard of the last changes, whose revisions are lost as well: they are leapt over.

local members, roster, meta, floor, alive = unpack(KEYS)
local peer, epoch, node, order, flags, user, joined_at, rest, revision, ready, capacity, order_max, lift, name, version,
  own, leap = unpack(ARGV)
epoch, revision = tonumber(epoch), tonumber(revision)

local present = redis.call('SCARD', members)
if present == 0 then redis.call('DEL', roster, meta) end

local known = member(members, roster, peer)
if known and known.epoch > epoch then return { 'stale', known.epoch } end

local room = redis.call('HMGET', meta, 'revision', 'ready', 'capacity', 'order')
local revision_known = number_of(room[1]) or number_of(redis.call('GET', floor)) or 0
local missing = not known or known.epoch < epoch
local away = is_away(flags)
local outdated, came_again = false, false
if own == '1' and known and known.epoch == epoch and known.version == version then
  local later = tonumber(joined_at) - tonumber(known.joined_at)
  came_again = later > 0 or (later == 0 and tonumber(order) > tonumber(known.order))
  outdated = came_again or known.node ~= node or is_away(known.flags) ~= away or known.rest ~= rest
end
local behind = revision_known < revision
local lifted = lift == '1' and revision_known == revision
if not missing and not outdated and not behind and not lifted then return { 'known', revision_known } end

local function highest(...)
  local numbers = { ... }
  for at = 1, select('#', ...) do numbers[at] = number_of(numbers[at]) or 0 end
  return whole_number(math.max(unpack(numbers)))
end

-- Whether it holds its name from now on.
local function assert_name()
  free_name_of(meta, peer)
  if not is_named(flags) then return false end
  local holder, its = holder_of(members, roster, meta, name)
  if holder and tonumber(its.joined_at) >= tonumber(joined_at) then return false end
  if holder then
    its.flags = with_name(its.flags, false)
    write(roster, holder, its)
  end
  hold_name(meta, peer, name)
  return true
end

redis.call('HSETNX', meta, 'owner', user)
redis.call('HSETNX', meta, 'created_at', joined_at)
redis.call('HSET', meta,
  'revision', whole_number(math.max(revision_known, revision) + ((behind or lifted) and tonumber(leap) or 1)),
  'ready', highest(room[2], ready),
  'capacity', highest(room[3], capacity),
  'order', highest(room[4], order_max, order))
if missing then
  local hidden = (is_hidden(flags) and 1 or 0) - (known and is_hidden(known.flags) and 1 or 0)
  add(meta, 'hidden', hidden)
  redis.call('SADD', members, peer)
  flags = with_name(flags, assert_name())
  write(roster, peer, {
    version = version, epoch = epoch, node = node, order = order, flags = flags, user = user, joined_at = joined_at,
    rest = rest,
  })
elseif outdated then
  if known.rest ~= rest then known.flags = with_name(known.flags, assert_name()) end
  known.node, known.rest = node, rest
  if came_again then known.order, known.joined_at = order, joined_at end
  known.flags = string.sub(known.flags, 1, 1) .. (away and 'a' or '-') .. string.sub(known.flags, 3)
  write(roster, peer, known)
end
if behind then redis.call('DEL', alive) end
return { 'restored', tonumber(redis.call('HGET', meta, 'revision')), behind and 1 or 0, nodes(roster) }

