-- Raises a node's counter.
--
-- A lease is the text `counter`, or `counter claimer` once another node took its owner for dead. The claimer is in this
-- field and not in sb:node:<id>, because refusing a claimed node must be one step with the renewal, and those two keys
-- are in different slots.
--
-- KEYS  1 the nodes
-- ARGV  1 node  2 what the counter is to be above, in any case
-- Result  renewed counter, the counter before · mended counter (what was there could not be read) · missing · claimed claimer
-- Atomic: the check and the count. A node that finds something else in its own field writes it anew, with a counter above
-- all that it can have had: the milliseconds of Redis's clock.

local lease = redis.pcall('HGET', KEYS[1], ARGV[1])
if type(lease) == 'table' and lease.err then
  -- Something else stands where the table should be: every node enters itself again.
  redis.call('DEL', KEYS[1])
  lease = ''
end
if not lease then return { 'missing' } end
local counter, claimer = string.match(lease, '^(%d+) ?(%S*)$')
counter = number_of(counter)
if not counter or (claimer ~= '' and not node_of(claimer)) then
  local time = redis.call('TIME')
  local raised = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  raised = math.max(raised, tonumber(ARGV[2]) + 1)
  redis.call('HSET', KEYS[1], ARGV[1], whole_number(raised))
  return { 'mended', raised }
end
if claimer ~= '' then return { 'claimed', claimer } end
local raised = math.max(counter, tonumber(ARGV[2])) + 1
redis.call('HSET', KEYS[1], ARGV[1], whole_number(raised))
return { 'renewed', raised, counter }
