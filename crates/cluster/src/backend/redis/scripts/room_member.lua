-- One member of a room, by its id or by the name that it holds.
--
-- KEYS  1 members  2 roster  3 meta  4 the bucket's marker
-- ARGV  1 'peer' or 'name'  2 which
-- Result
--   member revision {peer, record}    of the roster; the list is empty where there is no such member
--   forgotten · corrupt peer
-- Atomic: the member at that revision. Changes nothing.

local members, roster, meta, alive = unpack(KEYS)
local by, which = unpack(ARGV)

if redis.call('EXISTS', alive) == 0 then return { 'forgotten' } end

local revision = number_of(redis.call('HGET', meta, 'revision')) or 0
local peer = which
if by == 'name' then peer = holder_of(members, roster, meta, which) end
if not peer or redis.call('SISMEMBER', members, peer) == 0 then return { 'member', revision, {} } end
local record = redis.call('HGET', roster, peer)
if not record then return { 'corrupt', peer } end
return { 'member', revision, { peer, record } }
