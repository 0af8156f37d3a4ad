# Pushes to the user "demo" with Ruby's standard library; prints the push's id.
require "json"
require "net/http"

url = URI(ENV.fetch("HOLDFAST_API", "http://127.0.0.1:8090") + "/v1/push")
push = { to: { user: "demo" }, data: { text: "hello from Ruby" } }
headers = { "Authorization" => "Bearer #{ENV["HOLDFAST_KEY"]}", "Content-Type" => "application/json" }
answer = Net::HTTP.post(url, push.to_json, headers)
answer.value # raises for anything but success
puts JSON.parse(answer.body)["id"]
