-- Keeps a message in a log. ARGV[13]: the key of its id in this log, if the backend chose it.

local id, remembered, kind, payload, collapse_key = ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9]
local ttl, most, most_bytes, id_key = tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12]), ARGV[13]

if id_key then
  local taken = redis.call('GET', id_key)
  if taken and tonumber(taken) + remembered > now then return answer() end
  redis.call('SET', id_key, now, 'PX', remembered)
end

expire()
local before = place_of_end()
if not is_known then before = place(cut) end
local number = text(next_number())
local replaced = collapse_key ~= '' and redis.call('HGET', key .. ':k', collapse_key)
if replaced then remove(replaced) end
if collapse_key ~= '' then redis.call('HSET', key .. ':k', collapse_key, number) end

local packed = cmsgpack.pack({ id = id, kind = kind, payload = payload, key = collapse_key, accepted = now })
redis.call('HSET', key .. ':b', number, packed)
redis.call('ZADD', key .. ':m', number, number)
redis.call('ZADD', key .. ':x', now + ttl, number)
redis.call('HSET', key .. ':s', 'born', text(born), 'end', number)
local bytes = redis.call('HINCRBY', key .. ':s', 'bytes', #payload)
while redis.call('ZCARD', key .. ':m') > most or bytes > most_bytes do
  remove(redis.call('ZRANGE', key .. ':m', 0, 0)[1], TRIMMED)
  bytes = tonumber(redis.call('HGET', key .. ':s', 'bytes'))
end
live(ttl)

-- What has changed, and what has been at rest for so long that nobody asks.
redis.call('ZADD', partition .. ':changed', number, name)
redis.call('ZREMRANGEBYSCORE', partition .. ':changed', '-inf', text(micros - 2 * FLOORS_KEPT * 1000))
-- When the first of the log expires, for the sweep.
redis.call('ZADD', partition .. ':due', 'LT', now + ttl, name)
return answer(before, place(last))
