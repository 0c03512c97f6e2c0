-- ARGV[1]: msgpack {flights, holds}. Replaces every counter at one stroke; only the holder of the rebuild lease may call it.
local wanted = cmsgpack.unpack(ARGV[1])
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
for _, row in ipairs(wanted.flights) do save_flight(row) end
for _, item in ipairs(wanted.holds) do
  local member, expires, hold = item[1], item[2], item[3]
  local row = load_flight(string.format('%.0f', hold[1]))
  row[3] = row[3] + hold[2]
  row[7] = row[7] + hold[3]
  save_flight(row)
  redis.call('HSET', KEYS[3], member, cmsgpack.pack(hold))
  redis.call('ZADD', KEYS[2], string.format('%.3f', expires), member)
end
redis.call('SET', KEYS[4], ARGV[2])
return #wanted.holds
