-- KEYS: 6 the rebuild lease. ARGV: 1 msgpack {balances, holds}, 2 whose lease it must be. Replaces every counter at one stroke.
-- A rebuilder whose lease ran out would wipe the holds taken since another one finished, so it gets -1 and writes nothing.
if redis.call('GET', KEYS[6]) ~= ARGV[2] then return -1 end
local wanted = cmsgpack.unpack(ARGV[1])
local stays = {}
for _, item in ipairs(wanted.holds) do stays[item[1]] = true end
-- Holds that ended while nobody counted: what the caps remember of them goes with them.
local before = redis.call('HGETALL', KEYS[4])
for i = 1, #before, 2 do
  local hold = cmsgpack.unpack(before[i + 1])
  if hold[3] > 0 then
    if hold[8] ~= '' then
      redis.call('HINCRBY', hold[8], 'open', -1)
      redis.call('EXPIRE', hold[8], KEPT_ADDRESS)
    end
    if not stays[before[i]] then
      for _, key in ipairs(hold[5]) do redis.call('ZREM', key, hold[4]) end
    end
  end
end
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
local rows, places = {}, {}
for place, balance in ipairs(wanted.balances) do
  local row = {balance[1], 0, 0, 0, 0, 0, 0, 0, 0, 0}
  set_balance(row, balance)
  rows[place], places[balance[1]] = row, place
end
for _, item in ipairs(wanted.holds) do
  local id, expires, hold = item[1], item[2], item[3]
  local row = rows[places[hold[1]] or 0]
  -- A flight that was deleted since has nothing left to hold.
  if row then
    row[HELD] = row[HELD] + hold[2]
    if hold[3] > 0 then
      row[HELD_COUNT], row[UNCONFIRMED] = row[HELD_COUNT] + 1, row[UNCONFIRMED] + hold[2]
      if hold[8] ~= '' then
        redis.call('HINCRBY', hold[8], 'open', 1)
        redis.call('EXPIRE', hold[8], KEPT_ADDRESS)
      end
    end
    save_hold(id, hold, expires)
  end
end
local packed = {}
for place, row in ipairs(rows) do
  packed[place] = pack_row(row)
  redis.call('HSET', KEYS[2], text(row[1]), (place - 1) * WIDTH)
end
if #packed > 0 then redis.call('SET', KEYS[1], table.concat(packed)) end
redis.call('SET', KEYS[5], ARGV[2])
redis.call('DEL', KEYS[6])
return #wanted.holds
