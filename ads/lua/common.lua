-- Shared by the reservation scripts. KEYS: 1 table, 2 index (flight -> offset of its row), 3 holds (by expiry), 4 hold (what is held),
-- 5 ready marker. No clock and no expiry of Redis decides anything here: `now` comes from the caller, so history can be replayed.
-- A row: flight, booked, held, day, day_booked, delivered, held_count, day_delivered, unconfirmed, version. Days count UTC days since
-- 1970, money is micros; held_count and unconfirmed count and sum the holds whose impression has not come.
local FORMAT, COLUMNS, WIDTH = '<i8i8i8i8i8i8i8i8i8i8', 10, 80
local BOOKED, HELD, DAY, DAY_BOOKED, DELIVERED, HELD_COUNT, DAY_DELIVERED, UNCONFIRMED, VERSION = 2, 3, 4, 5, 6, 7, 8, 9, 10
-- What an impression earns the address that asked for it, and what a hold costs it that ends without one.
local EARNED, COST = 2, 1
local KEPT_ADDRESS = 172800
-- A lifetime is counted for as long as its viewer comes back within this; whoever never does must not fill the memory for ever.
local KEPT_LIFETIME = 34560000

local function text(number) return string.format('%.0f', number) end

local function moment(seconds) return string.format('%.3f', seconds) end

local function pack_row(row)
  return struct.pack(FORMAT, row[1], row[2], math.max(0, row[3]), row[4], row[5], row[6], math.max(0, row[7]), row[8], math.max(0, row[9]), row[10])
end

-- No script that loads rows moves any (compact and rebuild do not load), so it asks once where one is.
local offsets = {}

-- nil where the table has no row of the flight: its balance is not known here.
local function load_flight(id)
  local offset = offsets[id] or redis.call('HGET', KEYS[2], id)
  if not offset then return nil end
  offsets[id] = offset
  local row = {struct.unpack(FORMAT, redis.call('GETRANGE', KEYS[1], offset, offset + WIDTH - 1))}
  row.offset = offset
  return row
end

local function save_flight(row)
  if not row.offset then
    row.offset = redis.call('STRLEN', KEYS[1])
    redis.call('HSET', KEYS[2], text(row[1]), row.offset)
  end
  redis.call('SETRANGE', KEYS[1], row.offset, pack_row(row))
end

-- A hold is {flight, micros, count, member, {seen keys}, life key, {life fields}, address key, {arms}}; an impression confirms it: count
-- 0, and nothing more to forget or to give back. Arms are those of split experiments: {key, key of the day, arm}, as `ads/reservation/arms.py`
-- tells; holds written by rebuild have none.
local function load_hold(id)
  local value = redis.call('HGET', KEYS[4], id)
  return value and cmsgpack.unpack(value)
end

local function save_hold(id, hold, expires)
  redis.call('HSET', KEYS[4], id, cmsgpack.pack(hold))
  redis.call('ZADD', KEYS[3], moment(expires), id)
end

local function add_to_flight(hold, sign)
  local row = load_flight(text(hold[1]))
  if not row then return end
  row[HELD] = row[HELD] + sign * hold[2]
  if hold[3] > 0 then
    row[HELD_COUNT] = row[HELD_COUNT] + sign
    row[UNCONFIRMED] = row[UNCONFIRMED] + sign * hold[2]
  end
  save_flight(row)
end

local function count_lifetime(key, field, step)
  if redis.call('HINCRBY', key, field, step) <= 0 then redis.call('HDEL', key, field) end
  redis.call('EXPIRE', key, KEPT_LIFETIME)
end

-- What caps counted of an ad that was not shown.
local function forget(hold)
  for _, key in ipairs(hold[5]) do redis.call('ZREM', key, hold[4]) end
  for _, field in ipairs(hold[7]) do count_lifetime(hold[6], field, -1) end
end

local function judge_address(hold, shown)
  local key = hold[8]
  if hold[3] == 0 or key == '' then return end
  redis.call('HINCRBY', key, 'open', -1)
  redis.call('HINCRBY', key, 'credit', shown and EARNED or -COST)
  redis.call('EXPIRE', key, KEPT_ADDRESS)
end

local function count_arms(hold, micros, impressions)
  for _, arm in ipairs(hold[9] or {}) do
    for place = 1, 2 do
      local name = arm[3] .. ':' .. text(hold[1])
      if micros ~= 0 then redis.call('HINCRBY', arm[place], 'm:' .. name, text(micros)) end
      if impressions ~= 0 then redis.call('HINCRBY', arm[place], 'n:' .. name, impressions) end
    end
  end
end

-- `charged`: what the ledger booked for it, below 0 when that is not told.
local function drop_hold(id, hold, shown, charged)
  if not shown then count_arms(hold, -hold[2], hold[3] > 0 and -1 or 0)
  elseif charged and charged >= 0 then count_arms(hold, charged - hold[2], 0) end
  add_to_flight(hold, -1)
  judge_address(hold, shown)
  if not shown and hold[3] > 0 then forget(hold) end
  redis.call('HDEL', KEYS[4], id)
  redis.call('ZREM', KEYS[3], id)
end

-- Bounded, so that one call never pays for a long silence.
local function sweep(now)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', moment(now), 'LIMIT', 0, 200)) do
    local hold = load_hold(id)
    if hold then drop_hold(id, hold, false) else redis.call('ZREM', KEYS[3], id) end
  end
end

local function set_balance(row, balance)
  row[BOOKED], row[DAY], row[DAY_BOOKED], row[DELIVERED], row[DAY_DELIVERED], row[VERSION] =
    balance[2], balance[3], balance[4], balance[5], balance[6], balance[7]
end

-- A balance is {flight, booked, day, day_booked, delivered, day_delivered, version}, absolute, so that writing it twice changes
-- nothing. Two consumers may bring theirs in either order: the later version stands. `anyway` is for who holds the row's lock.
local function write_balance(balance, anyway)
  local row = load_flight(text(balance[1]))
  if not row then row = {balance[1], 0, 0, 0, 0, 0, 0, 0, 0, -1} end
  if anyway or balance[7] > row[VERSION] then
    set_balance(row, balance)
    save_flight(row)
  end
end
