-- What the scripts read and may find to be something else; put in front of those that need it.

-- Numbers stay below 2^53, where Lua's doubles are exact.
local NUMBER_MAX = 9007199254740991

-- A number that was written here; nil where something else stands in its place.
local function number_of(text)
  local number = text and string.match(text, '^%d+$') and tonumber(text)
  return number and number <= NUMBER_MAX and number or nil
end

-- As text. Left to itself, Redis from 7.2 on writes 1e+9.
local function whole_number(number)
  return string.format('%.0f', number)
end

-- A node's id; nil where something else stands in its place.
local function node_of(text)
  return text and #text <= 128 and string.match(text, '^[%w%._%-]+$')
end
