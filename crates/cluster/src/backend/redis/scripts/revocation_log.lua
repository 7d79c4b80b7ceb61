-- What the scripts of the log of revocations share. An entry has the fields kind (user, token or peer), id, before (of a
-- user; else ''), and until, when it may be forgotten; both in seconds since 1970.

-- Where something else stands than a log, it is of no use to anybody, and deleted: nodes write again what they know.
if redis.call('TYPE', KEYS[1]).ok ~= 'stream' then redis.call('DEL', KEYS[1]) end

local now = tonumber(redis.call('TIME')[1])

-- The id of the last entry; '' where there is none.
local function last_id()
  local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
  return last and last[1] or ''
end

-- Deletes what may be forgotten, from the start up to the first entry that may not. XTRIM MINID would go by when an entry was
-- written, which for one that was restored is later; and it needs Redis 6.2. What says that it holds for more than a year and
-- a day is nothing that was written here.
local function trim()
  while true do
    local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 100)
    if #oldest == 0 then return end
    for _, entry in ipairs(oldest) do
      local ends = 0
      for at = 1, #entry[2], 2 do
        if entry[2][at] == 'until' then ends = number_of(entry[2][at + 1]) or 0 end
      end
      if ends > now and ends <= now + 366 * 86400 then return end
      redis.call('XDEL', KEYS[1], entry[1])
    end
  end
end

-- The id of the new entry.
local function add(kind, id, before, ends)
  return redis.call('XADD', KEYS[1], '*', 'kind', kind, 'id', id, 'before', before, 'until', ends)
end
