-- ARGV: 1 now, 2 '1' to repair. What is held, counted from the holds themselves, beside what the table says; answers msgpack
-- {flight, held, held_count, unconfirmed, and the same three as counted} for each row that differs. One call, so nothing moves meanwhile.
if redis.call('EXISTS', KEYS[5]) == 0 then return cmsgpack.pack({}) end
sweep(tonumber(ARGV[1]))
local repair, counted, found = ARGV[2] == '1', {}, {}
local holds = redis.call('HGETALL', KEYS[4])
for i = 1, #holds, 2 do
  local hold = cmsgpack.unpack(holds[i + 1])
  if redis.call('ZSCORE', KEYS[3], holds[i]) then
    local sums = counted[hold[1]] or {0, 0, 0}
    sums[1] = sums[1] + hold[2]
    if hold[3] > 0 then sums[2], sums[3] = sums[2] + 1, sums[3] + hold[2] end
    counted[hold[1]] = sums
  elseif repair then
    -- Without an expiry it would be held for ever.
    redis.call('HDEL', KEYS[4], holds[i])
  end
end
local length = redis.call('STRLEN', KEYS[1])
for offset = 0, length - WIDTH, WIDTH do
  local row = {struct.unpack(FORMAT, redis.call('GETRANGE', KEYS[1], offset, offset + WIDTH - 1))}
  local sums = counted[row[1]] or {0, 0, 0}
  if row[HELD] ~= sums[1] or row[HELD_COUNT] ~= sums[2] or row[UNCONFIRMED] ~= sums[3] then
    found[#found + 1] = {row[1], row[HELD], row[HELD_COUNT], row[UNCONFIRMED], sums[1], sums[2], sums[3]}
    if repair then
      row.offset, row[HELD], row[HELD_COUNT], row[UNCONFIRMED] = offset, sums[1], sums[2], sums[3]
      save_flight(row)
    end
  end
end
return cmsgpack.pack(found)
