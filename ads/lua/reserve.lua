-- KEYS: 6 seen by this viewer (without consent: by this session), 7 seen in this session, 8 lifetime counts of the viewer, 9 the
-- address, 10 the break, 11 entities with a lifetime cap, 12 the event log. ARGV: 1 msgpack of the wanted slots; and as they are if
-- every slot gets its first alternate: 2 the decision's event, 4 the answer; 3 the alternates, kept with 2 as a draft if not.
-- Answers {'arms'} (what arms have taken is not known), {'known', draft, alternates, chosen}, {'answered'} (the draft is gone, the answer is there), {'rebuild'}, {'missing', flight},
-- {'logged', chosen} (event and answer are written) or {'reserved', chosen}; chosen is msgpack {places, reasons}.
local wanted = cmsgpack.unpack(ARGV[1])
local known = redis.call('HMGET', KEYS[10], 'draft', 'alternates', 'chosen')
if known[3] then return known[1] and {'known', known[1], known[2], known[3]} or {'answered'} end
if redis.call('EXISTS', KEYS[5]) == 0 then return {'rebuild'} end

for _, split in ipairs(wanted.arms) do
  if redis.call('HEXISTS', split[1], 'ready') == 0 then return {'arms'} end
end

-- An alternate is {hold, static}; static is {budget, daily budget, goal, daily goal, goal counts holds, caps, ids, milliseconds,
-- advertiser, category, excluded, stream exclusive, rivals, life fields, flight}.
local flights = {}
for _, slot in ipairs(wanted.slots) do
  for _, alt in ipairs(slot) do flights[#flights + 1] = text(alt[2][15]) end
end
if #flights > 0 then
  for place, offset in ipairs(redis.call('HMGET', KEYS[2], unpack(flights))) do
    if not offset then return {'missing', tonumber(flights[place])} end
    offsets[flights[place]] = offset
  end
end
sweep(wanted.now)

local AD, FLIGHT, CAMPAIGN, ADVERTISER, CATEGORY = 1, 2, 3, 4, 5
local function entry(member, at)
  local ids = {at = at}
  for id in string.gmatch(member, '([^:]+)') do ids[#ids + 1] = id end
  return ids
end

local function entries(key, since)
  local found, flat = {}, redis.call('ZRANGEBYSCORE', key, since, '+inf', 'WITHSCORES')
  for i = 1, #flat, 2 do found[#found + 1] = entry(flat[i], tonumber(flat[i + 1])) end
  return found
end

local seen = wanted.longest_cap > 0 and entries(KEYS[6], '(' .. moment(wanted.now - wanted.longest_cap)) or {}
local stream = wanted.stream and entries(KEYS[7], '-inf') or {}
local same_set = KEYS[6] == KEYS[7]

-- A cap is {where, position, id, count, seconds}: where 1 over what the viewer saw, 2 over the session, 3 over the lifetime.
local function cap_reached(caps)
  for _, cap in ipairs(caps) do
    local count = 0
    if cap[1] == 3 then
      count = tonumber(redis.call('HGET', KEYS[8], cap[3]) or 0)
    else
      for _, one in ipairs(cap[1] == 1 and seen or stream) do
        if one.at > wanted.now - cap[5] and one[cap[2]] == cap[3] then count = count + 1 end
      end
    end
    if count >= cap[4] then return true end
  end
  return false
end

local taken = {}
local left = wanted.milliseconds
local function pod_conflict(static)
  if static[8] > left then return true end
  for _, other in ipairs(taken) do
    if other[9] == static[9] or other[10] == static[10] then return true end
    for _, category in ipairs(static[11]) do if category == other[10] then return true end end
    for _, category in ipairs(other[11]) do if category == static[10] then return true end end
  end
  return false
end

local function stream_conflict(static)
  local advertiser = text(static[9])
  for _, one in ipairs(stream) do
    if one[ADVERTISER] == advertiser or one[CATEGORY] == static[10] then
      if static[12] then return true end
      for _, rival in ipairs(static[13]) do if one[FLIGHT] == rival then return true end end
    end
  end
  return false
end

-- What an arm has taken of a flight, and what all arms of its experiment have: micros ('m') or impressions ('n').
local function taken_by_arms(split, place, what, flight)
  local fields, mine, all = {}, 0, 0
  for i, arm in ipairs(split[5]) do fields[i] = what .. ':' .. arm .. ':' .. flight end
  for i, amount in ipairs(redis.call('HMGET', split[place], unpack(fields))) do
    local number = tonumber(amount or 0)
    all = all + number
    if split[5][i] == split[3] then mine = number end
  end
  return mine, all
end

-- Whether one more of `more` is beyond the arm's share of what the others leave of `limit`; `used` is of all.
local function beyond_share(split, place, what, flight, more, limit, used)
  local mine, all = taken_by_arms(split, place, what, flight)
  -- Three of four shares of 8,000 are 6,000, though as fractions they may fall a hair short of it.
  return mine + more > math.floor(split[4] * math.max(0, limit - math.max(0, used - all)) + 1e-6)
end

local function arm_spent(hold, static, row, today)
  local flight = text(static[15])
  for _, split in ipairs(wanted.arms) do
    if beyond_share(split, 1, 'm', flight, hold, static[1], row[BOOKED] + row[HELD])
      or beyond_share(split, 2, 'm', flight, hold, static[2], (today and row[DAY_BOOKED] or 0) + row[HELD]) then return true end
    if static[5] and (beyond_share(split, 1, 'n', flight, 1, static[3], row[DELIVERED] + row[HELD_COUNT])
      or beyond_share(split, 2, 'n', flight, 1, static[4], (today and row[DAY_DELIVERED] or 0) + row[HELD_COUNT])) then return true end
  end
  return false
end

local function refusal(hold, static, row)
  local today = row[DAY] == wanted.day
  local free, free_today = static[1] - row[BOOKED], static[2] - (today and row[DAY_BOOKED] or 0)
  local goal_left, goal_left_today = static[3] - row[DELIVERED], static[4] - (today and row[DAY_DELIVERED] or 0)
  local counted = static[5] and row[HELD_COUNT] or 0
  if row[HELD] + hold > free then return 'budget_spent' end
  if counted >= goal_left then return 'goal_reached' end
  if row[HELD] + hold > free_today then return 'daily_budget_spent' end
  if counted >= goal_left_today then return 'daily_goal_reached' end
  if arm_spent(hold, static, row, today) then return 'arm_budget_spent' end
  -- One unconfirmed hold is always allowed; more only while they stay a small share of what is left.
  if row[HELD_COUNT] > 0 then
    if row[UNCONFIRMED] + hold > math.min(free, free_today) * wanted.hold_share then return 'holds_full' end
    if static[5] and counted + 1 > math.min(goal_left, goal_left_today) * wanted.hold_share then return 'holds_full' end
  end
  if stream_conflict(static) then return 'stream_exclusive' end
  if cap_reached(static[6]) then return 'frequency_cap' end
  return nil
end

-- The open holds of an address, and how many it may have: more when its breaks are watched, few when they never are.
local open, allowed = 0, nil
if wanted.address then
  local record = redis.call('HMGET', KEYS[9], 'open', 'credit')
  local quota, credit = wanted.address, tonumber(record[2] or 0)
  local bounded = math.max(quota.least - quota.first, math.min(quota.most - quota.first, credit))
  if bounded ~= credit then redis.call('HSET', KEYS[9], 'credit', bounded) end
  open, allowed = tonumber(record[1] or 0), quota.first + bounded
end

local function take(alt, slot_index)
  local static, life = alt[2], wanted.consent and alt[2][14] or {}
  local id = wanted.decision .. ':' .. slot_index
  local member = static[7] .. ':' .. id
  local keys = same_set and {KEYS[6]} or {KEYS[6], KEYS[7]}
  local arms = {}
  for i, split in ipairs(wanted.arms) do arms[i] = {split[1], split[2], split[3]} end
  local hold = {static[15], alt[1], 1, member, keys, KEYS[8], life, allowed and KEYS[9] or '', arms}
  add_to_flight(hold, 1)
  count_arms(hold, alt[1], 1)
  save_hold(id, hold, wanted.expires)
  for _, key in ipairs(keys) do redis.call('ZADD', key, moment(wanted.now), member) end
  for _, field in ipairs(life) do
    count_lifetime(KEYS[8], field, 1)
    redis.call('SADD', KEYS[11], field)
  end
  local one = entry(member, wanted.now)
  seen[#seen + 1], stream[#stream + 1], taken[#taken + 1] = one, one, static
  left = left - static[8]
  open = open + 1
  if allowed then
    redis.call('HINCRBY', KEYS[9], 'open', 1)
    redis.call('EXPIRE', KEYS[9], KEPT_ADDRESS)
  end
  -- Memory only: the counts of a day that is over are asked for no more.
  for _, arm in ipairs(arms) do redis.call('EXPIRE', arm[2], 259200) end
end

local places, reasons = {}, {}
for s, slot in ipairs(wanted.slots) do
  places[s] = 0
  reasons[s] = {}
  for a, alt in ipairs(slot) do
    local why = allowed and open >= allowed and 'address_quota' or pod_conflict(alt[2]) and 'pod_conflict'
      or refusal(alt[1], alt[2], load_flight(text(alt[2][15])))
    if not why then
      take(alt, wanted.indexes[s])
      places[s] = a
      break
    end
    reasons[s][a] = why
  end
end

-- Memory only: nothing reads these as an expiry.
if #taken > 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[6], '-inf', moment(wanted.now - wanted.forget))
  redis.call('EXPIRE', KEYS[6], same_set and wanted.keep or wanted.forget)
  redis.call('EXPIRE', KEYS[7], wanted.keep)
end
local chosen = cmsgpack.pack({places, reasons})
local as_hoped = ARGV[4] ~= ''
for _, place in ipairs(places) do as_hoped = as_hoped and place == 1 end
if as_hoped then
  redis.call('XADD', KEYS[12], '*', 'e', ARGV[2])
  redis.call('HSET', KEYS[10], 'answer', ARGV[4], 'chosen', chosen)
else
  redis.call('HSET', KEYS[10], 'draft', ARGV[2], 'alternates', ARGV[3], 'chosen', chosen)
end
redis.call('EXPIRE', KEYS[10], wanted.keep)
return {as_hoped and 'logged' or 'reserved', chosen}
