-- wrk: a POST per push, each to a user picked at random.
--   wrk -s push.lua URL -- holdfast SESSIONS KEY
--   wrk -s push.lua URL -- nchan SESSIONS

local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("seed", threads)
end

function init(args)
  math.randomseed(seed)
  sessions = tonumber(args[2])
  if args[1] == "holdfast" then
    wrk.headers["Authorization"] = "Bearer " .. args[3]
    wrk.headers["Content-Type"] = "application/json"
    local data = '{"p":"' .. string.rep("x", 92) .. '"}'
    request = function()
      local user = "u" .. math.random(0, sessions - 1)
      local body = '{"to":{"user":"' .. user .. '"},"data":' .. data .. "}"
      return wrk.format("POST", "/v1/push", nil, body)
    end
  else
    -- As long as the frame that Holdfast makes of 100 bytes of data.
    local body = string.rep("x", 171)
    request = function()
      return wrk.format("POST", "/pub/u" .. math.random(0, sessions - 1), nil, body)
    end
  end
end
