-- Lets everybody claim a node at once, as it stops: its lease is claimed by itself. See lease_renew.lua for the text of a
-- lease.
--
-- KEYS  1 the nodes
-- ARGV  1 node
-- Result  1: done; 0: there is no lease, or it is claimed already
-- Atomic: the check and the claim.

local lease = redis.call('HGET', KEYS[1], ARGV[1])
if not lease or not string.match(lease, '^%d+$') then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], lease .. ' ' .. ARGV[1])
return 1
