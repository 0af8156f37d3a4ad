-- What is kept in a log.

expire()
local first = redis.call('ZRANGE', key .. ':m', 0, 0)[1]
local oldest = first and text(message(first).accepted) or ''
local bytes = tonumber(redis.call('HGET', key .. ':s', 'bytes') or '0')
return answer(redis.call('ZCARD', key .. ':m'), bytes, oldest, place_of_end())
