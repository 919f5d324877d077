-- The board of one index: flows of rows cut into pieces, and who holds which piece (docs/decisions/0085-pieces-on-a-board.md).
--
-- KEYS[1] is the board, ARGV[1] what to do, the rest its arguments. Every key begins with KEYS[1], whose braces keep them in one
-- slot. A piece is called NUMBER:FIRST:COUNT, so many lines of the chunk NUMBER; it is open until it is done, and then either
-- waits or has a holder with a lease. The body of a chunk is never looked into here: Lua's JSON would change its numbers.

local board, op = KEYS[1], ARGV[1]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local LIFE = 7 * 86400000    -- how long an ended flow is told
local ARRIVING = 3600000     -- how long one may take to arrive
local ORPHAN = 900000        -- how long a run is told whose sender gives no sign of life
local GAP = 3000             -- after so long without anybody here Redis was away, and late leases are nobody's fault
local PARTS = 16             -- into how many a piece is divided
local LOOKED_AT = 200        -- waiting pieces that are looked at for one that may be begun

local function key(id, part) return board .. ':' .. id .. ':' .. part end
local JOBS, RUNS = board .. ':jobs', board .. ':runs'
local PARTS_OF_FLOW = {'open', 'waiting', 'leases', 'holders', 'chunks', 'after', 'deaths', 'tries', 'since', 'rest', 'bell'}

local function number_of(name) return tonumber(string.match(name, '^%d+')) end
local function about(id, ...) return redis.call('HMGET', key(id, 'flow'), ...) end

local function ring(id)
  if redis.call('LLEN', key(id, 'bell')) == 0 then redis.call('RPUSH', key(id, 'bell'), '1') end
end

local function forget(id, name)
  for _, part in ipairs({'deaths', 'tries', 'since', 'rest', 'holders'}) do redis.call('HDEL', key(id, part), name) end
  redis.call('ZREM', key(id, 'leases'), name)
  redis.call('ZREM', key(id, 'waiting'), name)
  redis.call('ZREM', key(id, 'open'), name)
end

local function let_go(id, name)  -- a chunk whose last piece is gone needs no body
  local number = number_of(name)
  if redis.call('ZCOUNT', key(id, 'open'), number, number) == 0 then
    redis.call('HDEL', key(id, 'chunks'), number)
    redis.call('HDEL', key(id, 'after'), number)
  end
end

-- Whether a flow is over, and if so how; what waits of a flow that was stopped is dropped.
local function settle(id)
  local closed, cancel, failing, total, done, unchanged, failed, kind, state =
    unpack(about(id, 'closed', 'cancel', 'failing', 'total', 'done', 'unchanged', 'failed', 'kind', 'state'))
  if state ~= 'queued' and state ~= 'running' then
    redis.call('ZREM', JOBS, id)
    redis.call('ZREM', RUNS, id)
    return
  end
  if cancel or failing then
    for _, name in ipairs(redis.call('ZRANGE', key(id, 'waiting'), 0, -1)) do forget(id, name); let_go(id, name) end
  elseif not closed then
    return
  end
  if redis.call('ZCARD', key(id, 'open')) > 0 then return end
  local ended = 'done'
  if failing then
    ended = 'failed'
  elseif cancel and (kind == 'run' or tonumber(done) + tonumber(unchanged) + tonumber(failed) < tonumber(total)) then
    ended = 'cancelled'
  end
  redis.call('HSET', key(id, 'flow'), 'state', ended, 'finished', now)
  redis.call('ZREM', JOBS, id)
  redis.call('ZREM', RUNS, id)
  for _, part in ipairs(PARTS_OF_FLOW) do redis.call('DEL', key(id, part)) end
  for _, part in ipairs({'flow', 'failures', 'results'}) do redis.call('PEXPIRE', key(id, part), LIFE) end
  ring(id)
  redis.call('PEXPIRE', key(id, 'bell'), ORPHAN)
end

local function wait_again(id, name) redis.call('ZADD', key(id, 'waiting'), number_of(name), name) end

-- A piece comes back. `died`: its holder did, or took too long. One alone with its holder when that happened is divided.
local function back(id, name, died, divide)
  local cancel, failing = unpack(about(id, 'cancel', 'failing'))
  redis.call('ZREM', key(id, 'leases'), name)
  redis.call('HDEL', key(id, 'holders'), name)
  if cancel or failing then
    forget(id, name)
    let_go(id, name)
    return
  end
  local deaths = tonumber(redis.call('HGET', key(id, 'deaths'), name) or 0)
  if died then deaths = redis.call('HINCRBY', key(id, 'deaths'), name, 1) end
  local number, first, count = string.match(name, '^(%d+):(%d+):(%d+)$')
  first, count = tonumber(first), tonumber(count)
  if count > 1 and (divide or deaths >= 2) then
    forget(id, name)
    local size = math.ceil(count / PARTS)
    for start = first, first + count - 1, size do
      local part = string.format('%s:%05d:%05d', number, start, math.min(size, first + count - start))
      redis.call('ZADD', key(id, 'open'), tonumber(number), part)
      redis.call('HSET', key(id, 'deaths'), part, 1)
      wait_again(id, part)
    end
  else
    wait_again(id, name)
  end
end

local function flows()
  local found = redis.call('ZRANGE', JOBS, 0, 0)
  for _, id in ipairs(redis.call('ZRANGE', RUNS, 0, -1)) do found[#found + 1] = id end
  return found
end

-- Take back what the dead held, and end the runs that nobody waits for.
local function sweep()
  local last = redis.call('GET', board .. ':swept')
  redis.call('SET', board .. ':swept', now)
  local away = last and now - tonumber(last) > GAP
  for _, id in ipairs(flows()) do
    local kind, seen = unpack(about(id, 'kind', 'seen'))
    if not kind then
      redis.call('ZREM', JOBS, id)
      redis.call('ZREM', RUNS, id)
    else
      for _, name in ipairs(redis.call('ZRANGEBYSCORE', key(id, 'leases'), '-inf', now)) do
        if away then
          redis.call('ZADD', key(id, 'leases'), now + tonumber(redis.call('GET', board .. ':lease') or GAP), name)
        else
          back(id, name, true, false)
        end
      end
      if kind == 'run' and tonumber(seen) + ORPHAN < now then redis.call('HSET', key(id, 'flow'), 'cancel', 1) end
      settle(id)
    end
  end
end

-- The first piece of a flow that may be begun. Pieces of one chunk go one after the other, and a chunk waits for the one that it
-- names: they have a product in common. One that was with a holder who died is only for who holds nothing else (`alone`).
local function ready(id, alone)
  local cancel, failing = unpack(about(id, 'cancel', 'failing'))
  if cancel or failing then return nil end
  for _, name in ipairs(redis.call('ZRANGE', key(id, 'waiting'), 0, LOOKED_AT - 1)) do
    local number = number_of(name)
    local after = redis.call('HGET', key(id, 'after'), number)
    if tonumber(redis.call('HGET', key(id, 'rest'), name) or 0) <= now
      and (alone or not redis.call('HGET', key(id, 'deaths'), name))
      and redis.call('ZRANGEBYSCORE', key(id, 'open'), number, number, 'LIMIT', 0, 1)[1] == name
      and not (after and redis.call('ZCOUNT', key(id, 'open'), after, after) > 0) then
      return name
    end
  end
  return nil
end

local function next_order() return redis.call('INCR', board .. ':order') end

local function waiting_jobs()
  local many, head = redis.call('ZCARD', JOBS), redis.call('ZRANGE', JOBS, 0, 0)[1]
  if head and about(head, 'state')[1] == 'running' then return many - 1 end
  return many
end

local act = {}

function act.begin(id, kind, total, most)
  if kind == 'job' and waiting_jobs() >= tonumber(most) then return 0 end
  redis.call('HSET', key(id, 'flow'), 'kind', kind, 'state', 'queued', 'total', total, 'created', now, 'seen', now,
    'done', 0, 'unchanged', 0, 'failed', 0, 'gave_up', 0)
  if kind == 'run' then
    redis.call('ZADD', RUNS, next_order(), id)
  else
    redis.call('PEXPIRE', key(id, 'flow'), ARRIVING)
  end
  return 1
end

function act.push(id, number, after, count, body)
  local kind, state, cancel = unpack(about(id, 'kind', 'state', 'cancel'))
  if not kind or cancel or (state ~= 'queued' and state ~= 'running') then return 0 end
  if redis.call('ZCOUNT', key(id, 'open'), number, number) > 0 then return 1 end
  local name = string.format('%d:%05d:%05d', tonumber(number), 0, tonumber(count))
  redis.call('HSET', key(id, 'chunks'), number, body)
  if after ~= '' then redis.call('HSET', key(id, 'after'), number, after) end
  redis.call('ZADD', key(id, 'open'), number, name)
  wait_again(id, name)
  if kind == 'job' then
    for _, part in ipairs(PARTS_OF_FLOW) do redis.call('PEXPIRE', key(id, part), ARRIVING) end
  end
  return 1
end

function act.close(id, most)
  local kind = about(id, 'kind')[1]
  if not kind then return 0 end
  if kind == 'job' then
    if waiting_jobs() >= tonumber(most) then
      act.drop(id)
      return 0
    end
    for _, part in ipairs({'flow', unpack(PARTS_OF_FLOW)}) do redis.call('PERSIST', key(id, part)) end
    redis.call('ZADD', JOBS, next_order(), id)
  end
  redis.call('HSET', key(id, 'flow'), 'closed', 1)
  settle(id)
  return 1
end

function act.drop(id)
  redis.call('ZREM', JOBS, id)
  redis.call('ZREM', RUNS, id)
  for _, part in ipairs({'flow', 'failures', 'results', unpack(PARTS_OF_FLOW)}) do redis.call('DEL', key(id, part)) end
  return 1
end

function act.claim(token, lease, alone)
  sweep()
  for _, id in ipairs(flows()) do
    local name = ready(id, alone == '1')
    if name then
      redis.call('ZREM', key(id, 'waiting'), name)
      redis.call('ZADD', key(id, 'leases'), now + tonumber(lease), name)
      redis.call('HSET', key(id, 'holders'), name, token)
      redis.call('SET', board .. ':lease', lease)
      if about(id, 'state')[1] == 'queued' then redis.call('HSET', key(id, 'flow'), 'state', 'running', 'began', now) end
      local since = redis.call('HGET', key(id, 'since'), name)
      return {id, about(id, 'kind')[1], name, redis.call('HGET', key(id, 'deaths'), name) or '0',
        redis.call('HGET', key(id, 'tries'), name) or '0', since and tostring(now - since) or '0',
        redis.call('HGET', key(id, 'chunks'), number_of(name))}
    end
  end
  return nil
end

local function mine(id, name, token) return redis.call('HGET', key(id, 'holders'), name) == token end

function act.beat(lease, ...)
  local held, told = {}, {...}
  for place = 1, #told, 3 do
    local id, name, token = told[place], told[place + 1], told[place + 2]
    local still = mine(id, name, token)
    if still then redis.call('ZADD', key(id, 'leases'), now + tonumber(lease), name) end
    held[#held + 1] = still and 1 or 0
  end
  return held
end

function act.finish(id, name, token, done, unchanged, gave_up, result, ...)
  if not mine(id, name, token) then return 0 end
  local flow, failures = key(id, 'flow'), {...}
  redis.call('HINCRBY', flow, 'done', done)
  redis.call('HINCRBY', flow, 'unchanged', unchanged)
  redis.call('HINCRBY', flow, 'failed', #failures)
  if about(id, 'kind')[1] == 'run' then
    redis.call('HSET', key(id, 'results'), name, result)
  else
    for _, one in ipairs(failures) do redis.call('RPUSH', key(id, 'failures'), one) end
  end
  if gave_up == '1' then
    if redis.call('HINCRBY', flow, 'gave_up', 1) >= 2 then
      redis.call('HSET', flow, 'failing', 1, 'message', 'Nothing could be done for long, so it was given up: see the last failures.')
    end
  else
    redis.call('HSET', flow, 'gave_up', 0)
  end
  forget(id, name)
  let_go(id, name)
  ring(id)
  settle(id)
  return 1
end

-- `how`: as it was (back), for a while because something is away (later), in parts (divide), or its holder's fault (died).
function act.give(id, name, token, how, rest)
  if not mine(id, name, token) then return 0 end
  if how == 'later' then
    redis.call('HINCRBY', key(id, 'tries'), name, 1)
    redis.call('HSETNX', key(id, 'since'), name, now)
    redis.call('HSET', key(id, 'rest'), name, now + tonumber(rest))
  end
  local single = string.match(name, ':(%d+)$') == '00001'
  back(id, name, how == 'died' or (how == 'divide' and single), how == 'divide')
  settle(id)
  return 1
end

function act.fail(id, message)
  if not about(id, 'kind')[1] then return 0 end
  redis.call('HSET', key(id, 'flow'), 'failing', 1, 'message', message)
  settle(id)
  ring(id)
  return 1
end

function act.cancel(id)
  if not about(id, 'kind')[1] then return 0 end
  redis.call('HSET', key(id, 'flow'), 'cancel', 1)
  settle(id)
  return 1
end

-- For the sender of a run: it lives. What was taken is forgotten; what is open, and the results that are there.
function act.poll(id, ...)
  for _, name in ipairs({...}) do redis.call('HDEL', key(id, 'results'), name) end
  if not about(id, 'kind')[1] then return nil end
  redis.call('HSET', key(id, 'flow'), 'seen', now)
  sweep()
  local state, message = unpack(about(id, 'state', 'message'))
  return {state, message or '', redis.call('ZRANGE', key(id, 'open'), 0, -1), redis.call('HGETALL', key(id, 'results'))}
end

-- Whether somebody should come: there is a piece that may be begun. Says yes once in `gate` milliseconds.
function act.wanted(gate)
  sweep()
  for _, id in ipairs(flows()) do
    if ready(id, true) then
      return redis.call('SET', board .. ':asked', 1, 'NX', 'PX', gate) and 1 or 0
    end
  end
  return 0
end

function act.present(token, life)
  redis.call('ZADD', board .. ':workers', now + tonumber(life), token)
  redis.call('ZREMRANGEBYSCORE', board .. ':workers', '-inf', now)
  return 1
end

function act.figures()
  local waiting, held = 0, 0
  local ids = redis.call('ZRANGE', JOBS, 0, -1)
  for _, id in ipairs(redis.call('ZRANGE', RUNS, 0, -1)) do ids[#ids + 1] = id end
  for _, id in ipairs(ids) do
    waiting = waiting + redis.call('ZCARD', key(id, 'waiting'))
    held = held + redis.call('ZCARD', key(id, 'leases'))
  end
  return {waiting_jobs(), redis.call('ZCARD', RUNS), waiting, held, act.workers()}
end

function act.workers() return redis.call('ZCOUNT', board .. ':workers', now, '+inf') end

table.remove(ARGV, 1)
return act[op](unpack(ARGV))
