-- ARGV: flights that no decision asks for any more. Their rows leave the table unless something is held on them; whoever needs
-- one again brings its balance along. Answers how many left.
local gone = {}
for _, flight in ipairs(ARGV) do gone[flight] = true end
local kept, left = {}, 0
redis.call('DEL', KEYS[2])
for offset = 0, redis.call('STRLEN', KEYS[1]) - WIDTH, WIDTH do
  local packed = redis.call('GETRANGE', KEYS[1], offset, offset + WIDTH - 1)
  local row = {struct.unpack(FORMAT, packed)}
  if gone[text(row[1])] and row[HELD] == 0 and row[HELD_COUNT] == 0 then
    left = left + 1
  else
    redis.call('HSET', KEYS[2], text(row[1]), #kept * WIDTH)
    kept[#kept + 1] = packed
  end
end
if #kept > 0 then redis.call('SET', KEYS[1], table.concat(kept)) else redis.call('DEL', KEYS[1]) end
return left
