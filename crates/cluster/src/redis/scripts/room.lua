-- What the scripts of a room share; put in front of each of them.
--
-- A record is text, `version epoch node order flags user joined_at length:tail`. Version, epoch and node keep their
-- places in every version, so that any release finds whom to tell. The tail is the peer's own and is never opened here.
-- Numbers stay below 2^53, where Lua's doubles are exact. What is written of them is written by whole_number: left to
-- itself, Redis from 7.2 on writes 1e+9.

local VERSION = '1'

local function whole_number(number)
  return string.format('%.0f', number)
end

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
  return string.sub(flags, 1, 3) .. (named and 'n' or '-')
end

-- The member's record as a table; nil: it is not in; false: it is in, with a record that this release cannot read.
-- The set decides who is in.
local function member(members, roster, peer)
  if redis.call('SISMEMBER', members, peer) == 0 then return nil end
  local record = redis.call('HGET', roster, peer)
  if not record then return false end
  local version, epoch, node, order, flags, user, joined_at, start =
    string.match(record, '^(%d+) (%d+) (%S+) (%d+) (%S+) (%S+) (%d+) %d+:()')
  if version ~= VERSION then return false end
  return {
    epoch = tonumber(epoch), node = node, order = order, flags = flags, user = user, joined_at = joined_at,
    tail = string.sub(record, start),
  }
end

local function write(roster, peer, m)
  redis.call('HSET', roster, peer, table.concat({
    VERSION, whole_number(m.epoch), m.node, m.order, m.flags, m.user, m.joined_at,
    string.format('%d:', #m.tail) .. m.tail,
  }, ' '))
end

-- A name that is held has two fields in meta, `name:<name>` with the peer and `name_of:<peer>` with the name. They count
-- where the peer's record says that it is named: an earlier release takes members out and leaves the fields behind.

-- The peer that holds a name, and its record as `member` gives it; nil: nobody does.
local function holder_of(members, roster, meta, name)
  local peer = redis.call('HGET', meta, 'name:' .. name)
  local m = peer and member(members, roster, peer)
  if not peer or m == nil or (m and not is_named(m.flags)) then return nil end
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

-- Takes a member out, as one step of the revision, which is returned.
local function remove(members, roster, meta, peer, m)
  redis.call('SREM', members, peer)
  redis.call('HDEL', roster, peer)
  if is_hidden(m.flags) then redis.call('HINCRBY', meta, 'hidden', -1) end
  free_name_of(meta, peer)
  return redis.call('HINCRBY', meta, 'revision', 1)
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

-- What follows a word in the answers that hold a whole room: revision, ready, capacity, {peer, record, …}.
local function whole(roster, meta)
  local room = redis.call('HMGET', meta, 'revision', 'ready', 'capacity')
  return tonumber(room[1] or 0), tonumber(room[2] or 0), tonumber(room[3] or 0), redis.call('HGETALL', roster)
end
