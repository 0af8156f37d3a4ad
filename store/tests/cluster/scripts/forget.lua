-- Deletes what is kept in a log.

expire()
local numbers = redis.call('ZRANGE', key .. ':m', 0, -1)
for _, number in ipairs(numbers) do
  remove(number, DELETED)
end
return answer(#numbers)
