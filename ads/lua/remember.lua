-- KEYS: 6 the rebuild lease. ARGV: 1 msgpack {seen: (key, member, time), lifetime: (key, field, count), forget, lease}, 2 whose lease
-- it must be. A part of what caps count, written back; a month of it takes longer than one lease, so each part renews it.
if redis.call('GET', KEYS[6]) ~= ARGV[2] then return -1 end
local wanted = cmsgpack.unpack(ARGV[1])
for _, one in ipairs(wanted.seen) do
  redis.call('ZADD', one[1], moment(one[3]), one[2])
  redis.call('EXPIRE', one[1], wanted.forget)
end
for _, one in ipairs(wanted.lifetime) do
  redis.call('HSET', one[1], one[2], text(one[3]))
  redis.call('EXPIRE', one[1], KEPT_LIFETIME)
end
redis.call('EXPIRE', KEYS[6], wanted.lease)
return 0
