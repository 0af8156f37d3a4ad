-- Which logs of a partition were appended to behind the caller's place in it, which is what it last heard of it.
-- ARGV[4]: 'after' that place, or 'now'; ARGV[5]: the number up to which it was told, which is less than
-- the place's while there is more; ARGV[6]: at most so many.

local told = tonumber(ARGV[5])
if not is_believed(tonumber(ARGV[2]), tonumber(ARGV[3])) then told = 0 end
if ARGV[4] == 'now' then told = last end

local most = tonumber(ARGV[6])
local behind = '(' .. text(told)
local found = redis.call('ZRANGE', partition .. ':changed', behind, '+inf', 'BYSCORE', 'LIMIT', 0, most, 'WITHSCORES')
local heads = {}
for i = 1, #found, 2 do
  heads[#heads + 1] = { found[i], place(math.max(tonumber(found[i + 1]), cut)) }
end
local is_more = #heads == most
return { text(last), text(tag), heads, is_more and found[#found] or text(last), is_more and 1 or 0 }
