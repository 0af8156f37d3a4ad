-- Begins a session of a device. ARGV[5]: the device; ARGV[6], ARGV[7]: the place, or nothing; ARGV[8], ARGV[9]: the
-- room; ARGV[10]: how long devices are kept; ARGV[11]: most devices.

local device, kept, most = ARGV[5], tonumber(ARGV[10]), tonumber(ARGV[11])
local devices = key .. ':d'
expire()

-- Those that have not come for so long are not the user's any more, and of too many the one that came longest ago.
local function seen(entry)
  return tonumber(entry:match('(%d+)$'))
end
local all, others, oldest = redis.call('HGETALL', devices), 0, nil
for i = 1, #all, 2 do
  if seen(all[i + 1]) + kept <= now then
    redis.call('HDEL', devices, all[i])
  elseif all[i] ~= device then
    others = others + 1
    if not oldest or seen(all[i + 1]) < seen(oldest[2]) then oldest = { all[i], all[i + 1] } end
  end
end
if others >= most then redis.call('HDEL', devices, oldest[1]) end

local has = tonumber((redis.call('HGET', devices, device) or ''):match('^%d+'))
local is_asked = ARGV[6] ~= ''
local is_given = is_asked and is_believed_here(tonumber(ARGV[6]), tonumber(ARGV[7]))
local from, gaps
if is_given then
  from = { ARGV[6], ARGV[7] }
  gaps = gaps_behind(tonumber(ARGV[6]))
elseif has then
  from = place(has)
  local is_unknown = is_asked or not is_believed_here(has, tonumber(from[2]))
  gaps = is_unknown and UNKNOWN_CURSOR or gaps_behind(has)
else
  from = start()
  gaps = is_asked and UNKNOWN_CURSOR or 0
end
has = math.max(has or 0, tonumber(from[1]))
redis.call('HSET', devices, device, text(has) .. ' ' .. text(now))
redis.call('PEXPIRE', devices, kept)
settle()
return page(from, gaps, ARGV[8], tonumber(ARGV[9]))
