-- In front of every script: the partition that its log is in.
--
-- KEYS[1]: the partition, PREFIX{pN}; everything of it is under keys that begin so, in one slot. The other keys are
-- named so that a server from which the slot is moving away says so before the script runs.
-- ARGV[1]: what a test adds to the clock, in milliseconds.
-- ARGV[2], ARGV[3]: the last place of the partition that the caller heard of.
--
-- A place is a number and the tag of the reign that it was given in. A reign ends when another process becomes the
-- partition's master, or the same one anew: Redis then gives replication another id. Where the reigns before ended is
-- remembered, so a place that a dead master gave, and nobody else has, is known to be beyond its reign's end.

local partition = KEYS[1]
local time = redis.call('TIME')
local micros = tonumber(time[1]) * 1000000 + tonumber(time[2]) + tonumber(ARGV[1]) * 1000
local now = math.floor(micros / 1000)
local FLOORS_KEPT = 28 * 24 * 60 * 60 * 1000
local REIGNS = 64

-- Numbers of this size are whole in a double for 230 years, but are shown as 1e+15.
local function text(number)
  return string.format('%.0f', number)
end

local state = redis.call('HMGET', partition, 'last', 'tag', 'master', 'ended', 'cut')
local last = tonumber(state[1] or '0')
local tag = tonumber(state[2] or '0')
local master = state[3]
local ended = state[4] or ''
local cut = tonumber(state[5] or '0')

-- The place of a number that was given: its tag is that of the first reign that ended at it or behind it.
local function place(number)
  local found = number == 0 and 0 or tag
  for ended_tag, ended_at in ended:gmatch('(%d+):(%d+)') do
    if number == 0 or number > tonumber(ended_at) then break end
    found = ended_tag
  end
  return { text(number), text(found) }
end

-- Whether a place was given in this history, whatever was lost since.
local function is_ours(number, check)
  if number == 0 and check == 0 then return true end
  if number == 0 or check == 0 then return false end
  if check == tag then return number <= last end
  for ended_tag, ended_at in ended:gmatch('(%d+):(%d+)') do
    if tonumber(ended_tag) == check then return number <= tonumber(ended_at) end
  end
  return false
end

-- Whether everything behind a place is known: something that was cut off behind it may have been for anybody.
local function is_believed(number, check)
  return is_ours(number, check) and number >= cut
end

-- Before every number that is given.
local function reign()
  local id = redis.call('INFO', 'replication'):match('master_replid:(%x+)')
  if id == master then return end
  if tag ~= 0 then
    ended = tag .. ':' .. text(last) .. ' ' .. ended
    local kept = {}
    for each in ended:gmatch('%S+') do
      if #kept < REIGNS then kept[#kept + 1] = each end
    end
    ended = table.concat(kept, ' ')
  end
  master = id
  tag = tonumber(redis.sha1hex(partition .. id .. text(micros)):sub(1, 8), 16)
  if tag == 0 then tag = 1 end
  redis.call('HSET', partition, 'master', master, 'tag', text(tag), 'ended', ended)
end

-- No number is given twice, even if the last ones were lost: the clock is past them.
local function next_number()
  reign()
  last = math.max(last + 1, micros)
  redis.call('HSET', partition, 'last', text(last))
  return last
end

-- The caller heard of something that is not here: it was lost, and so may be what nobody heard of. From now on no
-- place before this moment is believed.
-- It was said before if what was lost is behind that.
local heard = tonumber(ARGV[2])
if heard > cut and not is_ours(heard, tonumber(ARGV[3])) then
  reign()
  last = math.max(last, heard)
  cut = next_number()
  redis.call('HSET', partition, 'cut', text(cut))
end
