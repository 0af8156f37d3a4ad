-- Takes note of what devices have. ARGV[5…]: for each its name and the place, in threes.

expire()
for i = 5, #ARGV, 3 do
  local device, number, check = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local has, seen = (redis.call('HGET', key .. ':d', device) or ''):match('^(%d+) (%d+)')
  if has and number > tonumber(has) and is_believed_here(number, check) then
    redis.call('HSET', key .. ':d', device, text(number) .. ' ' .. seen)
  end
end
settle()
return answer()
