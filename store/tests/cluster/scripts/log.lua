-- Behind partition.lua: one log.
--
-- ARGV[4]: the log, u:NAME or t:NAME.
--
-- KEY:s what is true of the whole log; KEY:m numbers in order; KEY:x numbers by when they expire; KEY:b number to
-- message; KEY:k collapse key to number; KEY:d device to what it has acknowledged.

local name = ARGV[4]
local key = partition .. name
local EXPIRED, TRIMMED, DELETED, ACKNOWLEDGED = 'f0', 'f1', 'f2', 'f3'
local UNKNOWN_CURSOR = 16

local log = redis.call('HMGET', key .. ':s', 'born', 'end')
local born = tonumber(log[1] or text(micros))
local log_end = tonumber(log[2] or '0')
local is_known = log[1] and true or false

-- Keys live as long as the floors, which outlive the last message by 28 days.
local function live(ttl)
  local wanted = ttl + FLOORS_KEPT
  for _, part in ipairs({ ':s', ':m', ':x', ':b', ':k' }) do
    if redis.call('PTTL', key .. part) < wanted then redis.call('PEXPIRE', key .. part, wanted) end
  end
end

local function message(number)
  return cmsgpack.unpack(redis.call('HGET', key .. ':b', number))
end

-- Takes a message out, and leaves a floor for the reason if there is one.
local function remove(number, reason)
  local was = message(number)
  redis.call('HDEL', key .. ':b', number)
  redis.call('ZREM', key .. ':m', number)
  redis.call('ZREM', key .. ':x', number)
  if was.key ~= '' and redis.call('HGET', key .. ':k', was.key) == number then
    redis.call('HDEL', key .. ':k', was.key)
  end
  redis.call('HINCRBY', key .. ':s', 'bytes', -#was.payload)
  if reason then
    local floor = tonumber(redis.call('HGET', key .. ':s', reason) or '0')
    if tonumber(number) > floor then redis.call('HSET', key .. ':s', reason, number) end
  end
end

local function expire()
  for _, number in ipairs(redis.call('ZRANGE', key .. ':x', '-inf', now, 'BYSCORE')) do
    remove(number, EXPIRED)
  end
end

-- Deletes what every device has.
local function settle()
  local by_all
  local devices = redis.call('HGETALL', key .. ':d')
  for i = 2, #devices, 2 do
    local number = tonumber(devices[i]:match('^(%d+)'))
    by_all = math.min(by_all or number, number)
  end
  if not by_all then return end
  for _, number in ipairs(redis.call('ZRANGE', key .. ':m', '-inf', text(by_all), 'BYSCORE')) do
    remove(number, ACKNOWLEDGED)
  end
end

-- Where the log ends: behind its last message, or where something was cut off behind that.
local function place_of_end()
  return place(is_known and math.max(log_end, cut) or last)
end

-- Whether a place is believed for this log: one from before its floors were forgotten is not.
local function is_believed_here(number, check)
  local is_start = number == 0 and check == 0
  return is_believed(number, check) and (is_start or number >= born - FLOORS_KEPT * 1000)
end

-- Why messages behind a number are missing, as bits.
local function gaps_behind(number)
  local floors = redis.call('HMGET', key .. ':s', EXPIRED, TRIMMED, DELETED, ACKNOWLEDGED)
  local bits = 0
  for i = 1, 4 do
    if tonumber(floors[i] or '0') > number then bits = bits + 2 ^ (i - 1) end
  end
  return bits
end

-- Before the first message.
local function start()
  local first = redis.call('ZRANGE', key .. ':m', 0, 0)[1]
  if not first then return place_of_end() end
  return place(tonumber(first) - 1)
end

-- The last place of the partition comes first in every answer, so that whoever asked has heard of it.
local function answer(...)
  return { text(last), text(tag), ... }
end

-- A page behind a place, in this room.
local function page(from, gaps, most, most_bytes)
  local behind = '(' .. from[1]
  local numbers = redis.call('ZRANGE', key .. ':m', behind, '+inf', 'BYSCORE', 'LIMIT', 0, most)
  local messages, bytes, through = {}, 0, nil
  for i, number in ipairs(numbers) do
    local this = message(number)
    bytes = bytes + #this.payload
    if i > 1 and bytes > most_bytes then break end
    through = place(tonumber(number))
    messages[i] = { through[1], through[2], this.id, this.kind, this.payload }
  end
  local rest = redis.call('ZCOUNT', key .. ':m', behind, '+inf') - #messages
  if rest == 0 then through = place_of_end() end
  return answer(from, gaps, messages, through, rest)
end
