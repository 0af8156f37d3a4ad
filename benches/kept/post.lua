-- wrk: a POST per push that is kept, each to a user picked at random.
--   wrk -s post.lua URL -- SESSIONS KEY

local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("seed", threads)
end

function init(args)
  math.randomseed(seed)
  local sessions, data = tonumber(args[1]), '{"p":"' .. string.rep("x", 92) .. '"}'
  wrk.headers["Authorization"] = "Bearer " .. args[2]
  wrk.headers["Content-Type"] = "application/json"
  request = function()
    local user = "u" .. math.random(0, sessions - 1)
    local body = '{"to":{"user":"' .. user .. '"},"data":' .. data .. ',"ttl":86400}'
    return wrk.format("POST", "/v1/push", nil, body)
  end
end
