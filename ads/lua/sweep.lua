-- ARGV: 1 now. Gives back every hold that has expired by then, in portions of what one call should cost; answers how many are left.
sweep(tonumber(ARGV[1]))
return redis.call('ZCOUNT', KEYS[3], '-inf', moment(tonumber(ARGV[1])))
