-- Reads a log. ARGV[5]: after, start or now; ARGV[6], ARGV[7]: the place; ARGV[8], ARGV[9]: the room.

expire()
local number, check = tonumber(ARGV[6]), tonumber(ARGV[7])
if ARGV[5] == 'now' then
  local now_there = place_of_end()
  return answer(now_there, 0, {}, now_there, 0)
end
local gaps, from = 0, { ARGV[6], ARGV[7] }
if ARGV[5] == 'start' then
  from = start()
elseif is_believed_here(number, check) then
  gaps = gaps_behind(number)
else
  gaps, from = UNKNOWN_CURSOR, start()
end
return page(from, gaps, ARGV[8], tonumber(ARGV[9]))
