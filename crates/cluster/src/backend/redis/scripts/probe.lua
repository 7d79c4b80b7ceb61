-- Does once what the other scripts need, and leaves nothing behind.
--
-- KEYS  1 a key of its own
-- Result  done · refused command error
-- Atomic: nobody sees the key. The first write is one that takes memory: Redis lets a script go on that has begun. What is of
-- another type there is not refused, and goes.

for _, command in ipairs({
  { 'TIME' }, { 'EXISTS', KEYS[1] },
  { 'HSET', KEYS[1], 'n', '0' }, { 'HSETNX', KEYS[1], 'n', '0' }, { 'HINCRBY', KEYS[1], 'n', '1' }, { 'HGET', KEYS[1], 'n' },
  { 'HMGET', KEYS[1], 'n' }, { 'HGETALL', KEYS[1] }, { 'HKEYS', KEYS[1] }, { 'HVALS', KEYS[1] }, { 'HLEN', KEYS[1] },
  { 'HEXISTS', KEYS[1], 'n' }, { 'HDEL', KEYS[1], 'n' }, { 'DEL', KEYS[1] },
  { 'SADD', KEYS[1], 'n' }, { 'SISMEMBER', KEYS[1], 'n' }, { 'SCARD', KEYS[1] }, { 'SREM', KEYS[1], 'n' }, { 'DEL', KEYS[1] },
  { 'SET', KEYS[1], '0' }, { 'GET', KEYS[1] }, { 'DEL', KEYS[1] },
}) do
  local answer = redis.pcall(unpack(command))
  if type(answer) == 'table' and answer.err and not string.find(answer.err, 'WRONGTYPE', 1, true) then
    redis.pcall('DEL', KEYS[1])
    return { 'refused', command[1], answer.err }
  end
end
return { 'done' }
