-- Gives a member another name, its own from then on, with its profile.
--
-- KEYS  1 members  2 roster  3 meta  4 the bucket's marker
-- ARGV  1 peer  2 epoch  3 rest  4 from whom it takes the name: 'free' nobody, 'own' the same user, 'any' anybody
--       5 that name
-- Result
--   renamed changed(0|1) {peer, record} revision ready capacity order {peer, record} {node, …}    first, if any, who had to
--     make way; then the member, and the nodes of all others
--   taken (another member holds the name) · none (not in the room with this epoch, or its record is lost) · forgotten
--   corrupt peer    its record is of another version: it stays as it is, see room_update
-- Atomic: roster, set and meta change together, or nothing does. The same again changes nothing. Where somebody has to make
-- way, that is two steps of the revision. A hidden member has no name of its own: nobody sees it.

local members, roster, meta, alive = unpack(KEYS)
local peer, epoch, rest, claim, name = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]

if redis.call('EXISTS', alive) == 0 then return { 'forgotten' } end

local known = member(members, roster, peer)
if not known or known.epoch ~= epoch or is_hidden(known.flags) then return { 'none' } end
if known.version ~= VERSION then return { 'corrupt', peer } end

local holder, its = holder_of(members, roster, meta, name)
if holder == peer then holder = nil end
if holder and not takes_from(its, claim, known.user) then return { 'taken' } end

local evicted = evict(members, roster, meta, holder)
local changed = 0
if known.rest ~= rest or not is_named(known.flags) then
  changed = 1
  hold_name(meta, peer, name)
  known.rest, known.flags = rest, with_name(known.flags, true)
  write(roster, peer, known)
  add(meta, 'revision', 1)
end
return { 'renamed', changed, evicted, place(roster, meta, peer) }
