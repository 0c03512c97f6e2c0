-- Shared by the reservation scripts. KEYS: 1 flights, 2 holds (by expiry), 3 hold (what is held), 4 ready marker.
-- No clock and no expiry of Redis decides anything here: `now` comes from the caller, so history can be replayed.
local FORMAT = '<i8i8i8i8i8i8i8'

-- {flight, booked, held, day, day_booked, delivered, held_count}; day counts UTC days since 1970, money is micros.
local function load_flight(id)
  local value = redis.call('HGET', KEYS[1], id)
  if not value then return {tonumber(id), 0, 0, 0, 0, 0, 0} end
  return {struct.unpack(FORMAT, value)}
end

local function save_flight(row)
  redis.call('HSET', KEYS[1], string.format('%.0f', row[1]),
    struct.pack(FORMAT, row[1], row[2], math.max(0, row[3]), row[4], row[5], row[6], math.max(0, row[7])))
end

-- A hold is {flight, micros, count, seen key, seen member}; an impression confirms it: count 0 and nothing to forget.
local function load_hold(member)
  local value = redis.call('HGET', KEYS[3], member)
  return value and cmsgpack.unpack(value)
end

local function drop_hold(member, hold, forget)
  local row = load_flight(string.format('%.0f', hold[1]))
  row[3] = row[3] - hold[2]
  row[7] = row[7] - hold[3]
  save_flight(row)
  if forget and hold[5] ~= '' then redis.call('ZREM', hold[4], hold[5]) end
  redis.call('HDEL', KEYS[3], member)
  redis.call('ZREM', KEYS[2], member)
end

-- Bounded, so that one call never pays for a long silence.
local function sweep(now)
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('%.3f', now), 'LIMIT', 0, 200)) do
    local hold = load_hold(member)
    if hold then drop_hold(member, hold, true) else redis.call('ZREM', KEYS[2], member) end
  end
end
