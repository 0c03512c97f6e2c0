-- ARGV[1]: msgpack {now, operations, balances, forget}. Operations are {verb, hold, expires, and of an impression what caps count: seen key,
-- seen member, time}, in the order of the events; balances are absolute
-- figures from the ledger {flight, booked, day, day_booked, delivered}, so that settling twice changes nothing.
local wanted = cmsgpack.unpack(ARGV[1])
if redis.call('EXISTS', KEYS[4]) == 0 then return 0 end
for _, op in ipairs(wanted.operations) do
  local verb, member, expires = op[1], op[2], op[3]
  local hold = load_hold(member)
  if hold then
    if verb == 'settle' then drop_hold(member, hold, false)
    elseif verb == 'release' then drop_hold(member, hold, hold[3] > 0)
    elseif verb == 'extend' then redis.call('ZADD', KEYS[2], 'XX', 'GT', string.format('%.3f', expires), member)
    elseif verb == 'confirm' and hold[3] > 0 then
      local row = load_flight(string.format('%.0f', hold[1]))
      row[7] = row[7] - 1
      save_flight(row)
      redis.call('HSET', KEYS[3], member, cmsgpack.pack({hold[1], hold[2], 0, hold[4], ''}))
      redis.call('ZADD', KEYS[2], 'XX', 'GT', string.format('%.3f', expires), member)
    end
  elseif op[4] then
    redis.call('ZADD', op[4], 'NX', string.format('%.3f', op[6]), op[5])
    redis.call('EXPIRE', op[4], wanted.forget)
  end
end
for _, balance in ipairs(wanted.balances) do
  local row = load_flight(string.format('%.0f', balance[1]))
  if balance[3] > row[4] then row[4], row[5] = balance[3], balance[4]
  elseif balance[3] == row[4] then row[5] = math.max(row[5], balance[4]) end
  -- Two consumers may settle in either order; booked figures only grow until a reversal rebuilds them.
  row[2] = math.max(row[2], balance[2])
  row[6] = math.max(row[6], balance[5])
  save_flight(row)
end
return #wanted.operations
