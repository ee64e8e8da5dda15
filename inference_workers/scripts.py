"""Steps that must happen whole or not at all, as Lua for the broker.

All keys of one call belong to one job and share its hash tag, so they also work on a cluster.
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
-- KEYS lease, end; ARGV worker, seconds. 1 when the worker holds the lease, 0 when it must stop.
local ended_by = redis.call('GET', KEYS[2])
if ended_by and ended_by ~= ARGV[1] then return 0 end
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
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
