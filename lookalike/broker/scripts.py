"""What Redis does in one step with the pictures that wait (Lua), and how the keys are called.

All times are milliseconds of Redis' own clock: hosts whose clocks differ agree on deadlines and leases. Scripts name keys that
they are not given, so this wants one Redis (or one with replicas), not a cluster.

    lookalike:looks:RECIPE:urgent, :patient   lists of look ids, the oldest at the right end
    lookalike:looks:RECIPE:leased             sorted set of look ids by when they count as abandoned
    lookalike:looks:RECIPE:crew               sorted set of worker processes by when they count as gone
    lookalike:looks:RECIPE:turn               when the last one that was refused shall ask again
    lookalike:looks:RECIPE:counts             hash of counters since Redis began: see figures.py
    lookalike:look:ID                         hash: picture, box, digest, answers, deadline, asked, tries, patient; short-lived
    lookalike:answers:ASKER                   list of answers (JSON) for one process that asked
    lookalike:worker:ID                       what a worker tells of itself (JSON), as long as it lives
    lookalike:seen:KEY, lookalike:poison:KEY  what was seen in a picture, and which killed its workers
    lookalike:recipes                         set of the recipes that workers have worked with
"""

from lookalike.broker.names import KEYS, LOOKS

MOST_TRIES = 2
"""A look whose worker died so often is not tried again: the second time it was looked at alone."""

_COMMON = f"""
local base = KEYS[1]
local urgent, patient, leased, crew, counts = base .. ':urgent', base .. ':patient', base .. ':leased', base .. ':crew', base .. ':counts'
local function clock()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
local function look_key(id) return '{KEYS}look:' .. id end
local function wanted(waiting, alive)  -- how many messages wake enough workers, and leave no pile of messages
  return math.max(0, math.min(alive - redis.call('LLEN', '{LOOKS}'), waiting))
end
local function rescue(at, poison_ms)  -- what a lost worker had in hand goes first again, or is given up
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', leased, '-inf', at, 'LIMIT', 0, 200)) do
    redis.call('ZREM', leased, id)
    local told = redis.call('HMGET', look_key(id), 'tries', 'answers', 'digest', 'patient')
    if told[1] and tonumber(told[1]) >= {MOST_TRIES} then
      redis.call('DEL', look_key(id))
      redis.call('SET', '{KEYS}poison:' .. told[3], '1', 'PX', poison_ms)
      redis.call('RPUSH', told[2], '{{"look":"' .. id .. '","poison":true}}')
      redis.call('PEXPIRE', told[2], 120000)
      redis.call('HINCRBY', counts, 'poison', 1)
    elseif told[1] then
      redis.call('RPUSH', told[4] == '1' and patient or urgent, id)
      redis.call('HINCRBY', counts, 'requeued', 1)
    end
  end
end
"""

ASK = (
    _COMMON
    + """
local most, life, remaining, answers, is_patient = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5]
local line, at = is_patient == '1' and patient or urgent, clock()
local waiting, alive, asked = redis.call('LLEN', line), redis.call('ZCOUNT', crew, at, '+inf'), (#ARGV - 5) / 4
if alive == 0 then
  return {'nobody', waiting, 0, 0}
end
if most > 0 and waiting > 0 and waiting + asked > most then
  redis.call('HINCRBY', counts, 'refused', asked)
  return {'full', waiting + redis.call('ZCARD', leased), alive, 0}
end
for place = 6, #ARGV, 4 do
  local key = look_key(ARGV[place])
  redis.call('HSET', key, 'picture', ARGV[place + 1], 'box', ARGV[place + 2], 'digest', ARGV[place + 3],
    'answers', answers, 'asked', at, 'tries', 0, 'patient', is_patient, 'deadline', remaining > 0 and at + remaining or 0)
  redis.call('PEXPIRE', key, life)
  redis.call('LPUSH', line, ARGV[place])
end
redis.call('HINCRBY', counts, 'asked', asked)
return {'taken', waiting + asked, alive, wanted(waiting + asked, alive)}
"""
)
"""ARGV: most that may wait (0: any number), life ms, remaining ms (0: no deadline), answers key, patient 0 or 1, then for each look
id, picture, box, digest. Answers {taken, full or nobody; how many wait, where it is full with those being looked at; workers alive;
how many messages to send}."""

TURN = (
    _COMMON
    + """
local at, key = clock(), base .. ':turn'
local ahead = math.max(tonumber(ARGV[1]), (tonumber(redis.call('GET', key) or 0) or 0) - at + tonumber(ARGV[2]))
ahead = math.min(ahead, tonumber(ARGV[3]))
redis.call('SET', key, string.format('%.0f', at + ahead), 'PX', ahead + 1000)
return ahead
"""
)
"""ARGV: ms until there is room, ms between two who are refused, ms at most. Answers ms until this one shall ask again."""

CLAIM = (
    _COMMON
    + """
local most, lease, at, taken = tonumber(ARGV[1]), tonumber(ARGV[2]), clock(), {}
rescue(at, ARGV[3])
local alive = math.max(1, redis.call('ZCOUNT', crew, at, '+inf'))
for _, line in ipairs({urgent, patient}) do
  local share = math.min(most, math.ceil(redis.call('LLEN', line) / alive))
  while #taken < share do
    local id = redis.call('RPOP', line)
    if not id then break end
    local told = redis.call('HMGET', look_key(id), 'deadline', 'tries')
    local deadline, tries = tonumber(told[1]), tonumber(told[2])
    if not tries then
      redis.call('HINCRBY', counts, 'lost', 1)
    elseif deadline > 0 and deadline < at then
      redis.call('DEL', look_key(id))
      redis.call('HINCRBY', counts, 'late', 1)
    elseif tries > 0 and #taken > 0 then  -- its worker died: it is looked at alone, so that no other suffers if it dies again
      redis.call('RPUSH', line, id)
      break
    else
      redis.call('HINCRBY', look_key(id), 'tries', 1)
      redis.call('ZADD', leased, at + lease, id)
      taken[#taken + 1] = id
      if tries > 0 then break end
    end
  end
  if #taken > 0 then break end
end
return {at, taken}
"""
)
"""ARGV: most, lease ms, poison ms. Answers {now, ids}: the oldest with a deadline, or, where there are none, the oldest without."""

SWEEP = (
    _COMMON
    + """
local at = clock()
rescue(at, ARGV[1])
local waiting, alive = redis.call('LLEN', urgent) + redis.call('LLEN', patient), redis.call('ZCOUNT', crew, at, '+inf')
return {alive, wanted(waiting, alive)}
"""
)
"""ARGV: poison ms. Answers {workers alive, how many messages to send}."""

BEAT = (
    _COMMON
    + f"""
local at, life = clock(), tonumber(ARGV[2])
redis.call('ZADD', crew, at + life, ARGV[1])
redis.call('ZREMRANGEBYSCORE', crew, '-inf', at)
redis.call('SET', '{KEYS}worker:' .. ARGV[1], ARGV[3], 'PX', life)
redis.call('SADD', '{KEYS}recipes', ARGV[5])
for place = 6, #ARGV do
  redis.call('ZADD', leased, 'XX', at + tonumber(ARGV[4]), ARGV[place])
end
return redis.call('LLEN', urgent)
"""
)
"""ARGV: worker, life ms, what it tells, lease ms, recipe, the ids that it has in hand. Answers how many visitors' looks wait."""
