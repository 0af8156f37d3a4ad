-- Deletes what has expired in a log, and notes when the next will.

expire()
local next_one = redis.call('ZRANGE', key .. ':x', 0, 0, 'WITHSCORES')
if next_one[1] then
  redis.call('ZADD', partition .. ':due', next_one[2], name)
else
  redis.call('ZREM', partition .. ':due', name)
end
return answer()
