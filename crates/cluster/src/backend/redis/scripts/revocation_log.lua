-- What the scripts of the log of revocations share. An entry has the fields kind (user, token or peer), id, before (of a
-- user; else ''), and until, when it may be forgotten; both in seconds since 1970.

-- Where something else stands than a log, it is of no use to anybody: nodes write again what they know.
if redis.call('TYPE', KEYS[1]).ok ~= 'stream' then redis.call('DEL', KEYS[1]) end

-- The id of the last entry; '' where there is none.
local function last_id(log)
  local last = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
  return last and last[1] or ''
end

-- Deletes what may be forgotten, from the start up to the first entry that may not. XTRIM MINID would go by when an entry was
-- written, which for one that was restored is later; and it needs Redis 6.2.
local function trim(log, now)
  while true do
    local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 100)
    if #oldest == 0 then return end
    for _, entry in ipairs(oldest) do
      local ends = 0
      for at = 1, #entry[2], 2 do
        if entry[2][at] == 'until' then ends = number_of(entry[2][at + 1]) or 0 end
      end
      if ends > now then return end
      redis.call('XDEL', log, entry[1])
    end
  end
end

local function add(log, kind, id, before, ends)
  redis.call('XADD', log, '*', 'kind', kind, 'id', id, 'before', before, 'until', ends)
end
