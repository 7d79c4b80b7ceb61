-- A key's text; '' where there is none. Something else than a text there is of no use to anybody, and deleted.
local function text_at(key)
  local text = redis.pcall('GET', key)
  if type(text) == 'table' and text.err then
    redis.call('DEL', key)
    text = ''
  end
  return text or ''
end
