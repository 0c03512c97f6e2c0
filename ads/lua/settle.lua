-- KEYS: 6 entities with a lifetime cap. ARGV[1]: msgpack {now, operations, balances, forget, anyway}. An operation is {verb, hold,
-- expires, again, charged}, in the order of the events; `again` comes with an impression: {flight, micros, member, {seen keys}, life key, time}.
-- Settling twice changes nothing: balances are absolute, an operation on a hold that is gone does nothing, and what caps count is a set.
local wanted = cmsgpack.unpack(ARGV[1])
if redis.call('EXISTS', KEYS[5]) == 0 then return 0 end

-- The hold of this impression had expired and the caps had forgotten it: it was shown, so it counts again, and what may still
-- be charged for it is held again.
local function come_back(id, expires, again)
  local flight, micros, member, keys, life, at = again[1], again[2], again[3], again[4], again[5], again[6]
  local new = false
  for place, key in ipairs(keys) do
    local added = redis.call('ZADD', key, 'NX', moment(at), member) == 1
    -- A session is forgotten sooner than a viewer: what it has left stands.
    if place < #keys or redis.call('TTL', key) < 0 then redis.call('EXPIRE', key, wanted.forget) end
    if place == 1 then new = added end
  end
  if new and life ~= '' then
    local names, position = {'ad', 'flight', 'campaign', 'advertiser'}, 0
    for number in string.gmatch(member, '([^:]+)') do
      position = position + 1
      if position > 4 then break end
      local field = names[position] .. ':' .. number
      if redis.call('SISMEMBER', KEYS[6], field) == 1 then count_lifetime(life, field, 1) end
    end
  end
  if micros > 0 then
    local hold = {flight, micros, 0, '', {}, '', {}, ''}
    add_to_flight(hold, 1)
    save_hold(id, hold, expires)
  end
end

for _, op in ipairs(wanted.operations) do
  local verb, id, expires, again, charged = op[1], op[2], op[3], op[4], op[5]
  local hold = load_hold(id)
  if not hold then
    if again then come_back(id, expires, again) end
  elseif verb == 'settle' then drop_hold(id, hold, true, charged)
  elseif verb == 'release' then drop_hold(id, hold, false)
  elseif verb == 'extend' then redis.call('ZADD', KEYS[3], 'XX', 'GT', moment(expires), id)
  elseif verb == 'confirm' and hold[3] > 0 then
    add_to_flight(hold, -1)
    judge_address(hold, true)
    hold = {hold[1], hold[2], 0, '', {}, '', {}, '', hold[9] or {}}
    add_to_flight(hold, 1)
    redis.call('HSET', KEYS[4], id, cmsgpack.pack(hold))
    redis.call('ZADD', KEYS[3], 'XX', 'GT', moment(expires), id)
  end
end
for _, balance in ipairs(wanted.balances) do write_balance(balance, wanted.anyway) end
-- After the operations, which may have extended some: a flight whose last hold expired is free before anybody asks for it.
sweep(wanted.now)
return #wanted.operations
