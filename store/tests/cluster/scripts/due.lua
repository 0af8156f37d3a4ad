-- The logs of a partition in which something has expired that nobody asked for. ARGV[4]: at most so many.

local due = redis.call('ZRANGE', partition .. ':due', '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[4])
return { text(last), text(tag), due }
