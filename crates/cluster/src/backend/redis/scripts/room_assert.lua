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
