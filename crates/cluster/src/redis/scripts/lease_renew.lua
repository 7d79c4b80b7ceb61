-- Raises a node's counter.
--
-- A lease is the text `counter`, or `counter claimer` once another node took its owner for dead. The claimer is in this
-- field and not in sb:node:<id>, because refusing a claimed node must be one step with the renewal, and those two keys
-- are in different slots.
--
-- KEYS  1 the nodes
-- ARGV  1 node  2 what the counter is to be above, in any case
-- Result  renewed counter, the counter before · missing · claimed claimer · corrupt lease
-- Atomic: the check and the count.

local lease = redis.call('HGET', KEYS[1], ARGV[1])
if not lease then return { 'missing' } end
local counter, claimer = string.match(lease, '^(%d+) ?(%S*)$')
if not counter then return { 'corrupt', lease } end
if claimer ~= '' then return { 'claimed', claimer } end
local raised = math.max(tonumber(counter), tonumber(ARGV[2])) + 1
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', raised))
return { 'renewed', raised, tonumber(counter) }
