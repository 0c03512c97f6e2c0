-- KEYS: 5 the rebuild lease. ARGV: 1 msgpack {flights, holds}, 2 whose lease it must be. Replaces every counter at one stroke.
-- A rebuilder whose lease ran out would wipe the holds taken since another one finished, so it gets -1 and writes nothing.
if redis.call('GET', KEYS[5]) ~= ARGV[2] then return -1 end
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
redis.call('DEL', KEYS[5])
return #wanted.holds
