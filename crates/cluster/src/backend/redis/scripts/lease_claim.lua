-- Claims a node that did not move. See lease_renew.lua for the text of a lease.
--
-- KEYS  1 the nodes
-- ARGV  1 node  2 the lease as the claimer saw it  3 claimer
-- Result  1: claimed; 0: it moved, or somebody else was first
-- Atomic: the comparison and the claim. From then on the node cannot renew.

if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], string.match(ARGV[2], '^%d+') .. ' ' .. ARGV[3])
return 1
