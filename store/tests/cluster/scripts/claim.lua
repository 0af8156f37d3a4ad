-- Takes an id, or says that it was taken for something else. KEYS[1]: the id, in a partition of its own.
-- ARGV[1]: what a test adds to the clock; ARGV[2]: a hash of the push; ARGV[3]: for how long it is remembered.

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) + tonumber(ARGV[1])
local content, taken = (redis.call('GET', KEYS[1]) or ''):match('^(%d+) (%d+)$')
if content and tonumber(taken) + ARGV[3] > now then
  return content == ARGV[2] and 1 or 0
end
redis.call('SET', KEYS[1], ARGV[2] .. ' ' .. string.format('%.0f', now), 'PX', ARGV[3])
return 1
