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
