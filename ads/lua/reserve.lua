-- KEYS: 5 seen by this viewer or session, 6 the break. ARGV: 1 msgpack of the wanted slots, 2 the draft of the answer.
-- Answers {'known', draft, chosen}, {'answered'} (the draft is gone, the answer is there), {'rebuild'} or {'reserved', chosen}; chosen is msgpack {places, reasons}.
local wanted = cmsgpack.unpack(ARGV[1])
local known = redis.call('HMGET', KEYS[6], 'draft', 'chosen')
if known[2] then return known[1] and {'known', known[1], known[2]} or {'answered'} end
if redis.call('EXISTS', KEYS[4]) == 0 then return {'rebuild'} end
sweep(wanted.now)

local seen = {}
if wanted.longest_cap > 0 then
  local entries = redis.call('ZRANGEBYSCORE', KEYS[5], string.format('(%.3f', wanted.now - wanted.longest_cap), '+inf', 'WITHSCORES')
  for i = 1, #entries, 2 do
    local ids = {}
    for id in string.gmatch(entries[i], '([^:]+)') do ids[#ids + 1] = id end
    seen[#seen + 1] = {tonumber(entries[i + 1]), ids}
  end
end

local function cap_reached(caps)
  for _, cap in ipairs(caps) do
    local count = 0
    for _, entry in ipairs(seen) do
      if entry[1] > wanted.now - cap[4] and entry[2][cap[1]] == cap[2] then count = count + 1 end
    end
    if count >= cap[3] then return true end
  end
  return false
end

-- An alternate is {flight, hold, budget, daily budget, goal, goal counts holds, caps, ids, milliseconds, advertiser, category, excluded}.
local taken = {}
local left = wanted.milliseconds
local function pod_conflict(alt)
  if alt[9] > left then return true end
  for _, other in ipairs(taken) do
    if other[10] == alt[10] or other[11] == alt[11] then return true end
    for _, category in ipairs(alt[12]) do if category == other[11] then return true end end
    for _, category in ipairs(other[12]) do if category == alt[11] then return true end end
  end
  return false
end

local function refusal(alt, row)
  local free = alt[3] - row[2]
  if row[3] + alt[2] > free then return 'budget_spent' end
  if row[6] + (alt[6] and row[7] or 0) >= alt[5] then return 'goal_reached' end
  local today = row[4] == wanted.day and row[5] or 0
  if today + row[3] + alt[2] > alt[4] then return 'daily_budget_spent' end
  -- One hold is always allowed; more only while they stay a small share of what is left.
  if row[7] > 0 and row[3] + alt[2] > free * wanted.hold_share then return 'holds_full' end
  if row[7] > 0 and alt[6] and row[7] + 1 > (alt[5] - row[6]) * wanted.hold_share then return 'holds_full' end
  if cap_reached(alt[7]) then return 'frequency_cap' end
  return nil
end

local places, reasons = {}, {}
for s, slot in ipairs(wanted.slots) do
  places[s] = 0
  reasons[s] = {}
  for a, alt in ipairs(slot) do
    local row = load_flight(string.format('%.0f', alt[1]))
    local why = pod_conflict(alt) and 'pod_conflict' or refusal(alt, row)
    if why == nil then
      row[3] = row[3] + alt[2]
      row[7] = row[7] + 1
      save_flight(row)
      local slot_index = wanted.indexes[s]
      local hold_id = wanted.decision .. ':' .. slot_index
      local member = alt[8] .. ':' .. hold_id
      redis.call('HSET', KEYS[3], hold_id, cmsgpack.pack({alt[1], alt[2], 1, KEYS[5], member}))
      redis.call('ZADD', KEYS[2], string.format('%.3f', wanted.expires), hold_id)
      redis.call('ZADD', KEYS[5], string.format('%.3f', wanted.now), member)
      local ids = {}
      for id in string.gmatch(member, '([^:]+)') do ids[#ids + 1] = id end
      seen[#seen + 1] = {wanted.now, ids}
      taken[#taken + 1] = alt
      left = left - alt[9]
      places[s] = a
      break
    end
    reasons[s][a] = why
  end
end

-- Memory only: nothing reads these as an expiry.
redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', string.format('%.3f', wanted.now - wanted.forget))
redis.call('EXPIRE', KEYS[5], wanted.forget)
local chosen = cmsgpack.pack({places, reasons})
redis.call('HSET', KEYS[6], 'draft', ARGV[2], 'chosen', chosen)
redis.call('EXPIRE', KEYS[6], wanted.keep)
return {'reserved', chosen}
