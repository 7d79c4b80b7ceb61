-- Removes a node's lease. See lease_renew.lua for the text of a lease.
--
-- KEYS  1 the nodes
-- ARGV  1 node  2 the claimer who buries it, or '' for the node itself, unclaimed
-- Result  1: removed; 0: there is none, or it is claimed otherwise
-- Atomic: the check and the removal.

local lease = redis.call('HGET', KEYS[1], ARGV[1])
if not lease or string.match(lease, '^%d+ ?(%S*)$') ~= ARGV[2] then return 0 end
return redis.call('HDEL', KEYS[1], ARGV[1])
