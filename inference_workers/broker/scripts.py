"""Steps that must happen completely or not at all, as Lua scripts for the broker.

All keys of one job share its hash tag. APPEND and RENEW use keys of many jobs in one call, so
they need a single broker that holds them all, as the client does.
"""

from __future__ import annotations

from typing import Final

CLAIM: Final = """
-- KEYS lease, end, recorded; ARGV worker, seconds
if redis.call('EXISTS', KEYS[3]) == 1 then return 'recorded' end
if redis.call('EXISTS', KEYS[2]) == 1 then return 'ended' end
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 'held' end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 'claimed'
"""

RENEW: Final = """
-- KEYS lease and end of each job; ARGV worker, seconds.
-- For each job 1 when the worker holds the lease, 0 when it must stop.
local function renew(lease, ending)
  local ended_by = redis.call('GET', ending)
  if ended_by and ended_by ~= ARGV[1] then return 0 end
  local holder = redis.call('GET', lease)
  if holder and holder ~= ARGV[1] then return 0 end
  redis.call('SET', lease, ARGV[1], 'EX', ARGV[2])
  return 1
end
local replies = {}
for index = 1, #KEYS, 2 do
  replies[#replies + 1] = renew(KEYS[index], KEYS[index + 1])
end
return replies
"""

APPEND: Final = """
-- KEYS streams; ARGV seconds, then for each stream: 1 if it may begin here, 1 if its expiry is
-- due, how many events, the events.
-- For each stream its last id, '' where it is gone and nothing was written, or its error.
local replies = {}
local first = 2
for number, key in ipairs(KEYS) do
  local may_begin, is_due = ARGV[first] == '1', ARGV[first + 1] == '1'
  local last = first + 2 + tonumber(ARGV[first + 2])
  local reply
  for index = first + 3, last do
    if may_begin then
      reply = redis.pcall('XADD', key, '*', 'e', ARGV[index])
    else
      reply = redis.pcall('XADD', key, 'NOMKSTREAM', '*', 'e', ARGV[index])
    end
    if type(reply) ~= 'string' then break end
    may_begin = false
  end
  if is_due and type(reply) == 'string' then redis.call('EXPIRE', key, ARGV[1]) end
  replies[number] = reply or ''
  first = last + 1
end
return replies
"""

RELEASE: Final = """
-- KEYS lease; ARGV worker
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""

END: Final = """
-- KEYS stream, end, lease; ARGV worker, seconds, snapshot or '', events (the last is terminal).
-- The last id when the end is in the stream by this worker's hand, false when another was first.
local ended_by = redis.call('GET', KEYS[2])
if ended_by and ended_by ~= ARGV[1] then return false end
local holder = redis.call('GET', KEYS[3])
if holder and holder ~= ARGV[1] then return false end
local exists = redis.call('EXISTS', KEYS[1]) == 1
if ended_by and exists then return 'already' end
local first = 4
if ARGV[3] ~= '' and not exists then
  redis.call('XADD', KEYS[1], '*', 'e', ARGV[3])
  first = #ARGV
end
local id
for index = first, #ARGV do
  id = redis.call('XADD', KEYS[1], '*', 'e', ARGV[index])
end
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return id
"""
