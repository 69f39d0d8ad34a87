-- Sends the bodies of a file in turn: `-- METHOD PATH BODIES [HEADER VALUE]...`, BODIES `-` for none.
-- Ends with one line of JSON: requests, seconds, errors, and percentiles in milliseconds.
local prepared = {}
local at = 0

function init(args)
   local method, path, bodies = args[1], args[2], args[3]
   for i = 4, #args, 2 do
      wrk.headers[args[i]] = args[i + 1]
   end
   if bodies == "-" then
      prepared[1] = wrk.format(method, path)
      return
   end
   wrk.headers["Content-Type"] = "application/json"
   for line in io.lines(bodies) do
      prepared[#prepared + 1] = wrk.format(method, path, nil, line)
   end
end

function request()
   at = at % #prepared + 1
   return prepared[at]
end

function done(summary, latency, requests)
   local e = summary.errors
   io.write(string.format(
      '{"requests": %d, "seconds": %f, "errors": %d, "p50": %f, "p99": %f}\n',
      summary.requests, summary.duration / 1e6,
      e.connect + e.read + e.write + e.status + e.timeout,
      latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
