/**
 * What the server does at once: a record is in up to four places. Redis has no lists of keys in order, so each table has
 * one of its own, and with it an end for each record that has one.
 */
import { createHash } from "node:crypto";

export interface Script {
  readonly text: string;
  readonly sha: string;
}

/**
 * A table's four keys, in this order: values and metadata by key, the ends in milliseconds since 1970, and all keys in the
 * order of their bytes. The braces keep them on one server of a cluster.
 */
export function keysOf({ database, table }: { database: string; table: string }): string[] {
  const place = `micro:{${encodeURIComponent(database)}/${encodeURIComponent(table)}}`;
  return ["values", "metadata", "ends", "keys"].map((name) => `${place}:${name}`);
}

/** Only the server's clock counts. Each script frees some of what is over; what it leaves is invisible all the same. */
const begin = `
  local values, metadata, ends, keys = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local function forget(key)
    redis.call('HDEL', values, key)
    redis.call('HDEL', metadata, key)
    redis.call('ZREM', ends, key)
    redis.call('ZREM', keys, key)
  end
  -- What is left of the time, -1 for ever, nothing when it is over.
  local function left(key)
    local at = redis.call('ZSCORE', ends, key)
    if not at then return -1 end
    if tonumber(at) > now then return tonumber(at) - now end
  end
  for _, key in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', 0, 100)) do forget(key) end
`;

/** Key → value, metadata, what is left; or nothing. */
export const read = script(`
  local key = ARGV[1]
  local value = redis.call('HGET', values, key)
  local rest = value and left(key)
  if not rest then return false end
  return { value, redis.call('HGET', metadata, key) or '{}', rest }
`);

/** Key, value, metadata, milliseconds or nothing. */
export const write = script(`
  local key, value, more, ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
  redis.call('HSET', values, key, value)
  if more == '{}' then redis.call('HDEL', metadata, key) else redis.call('HSET', metadata, key, more) end
  if ttl == '' then redis.call('ZREM', ends, key) else redis.call('ZADD', ends, now + tonumber(ttl), key) end
  redis.call('ZADD', keys, 0, key)
`);

/** Key. */
export const remove = script(`forget(ARGV[1])`);

/**
 * From, to, suffix, how many keys to look at, how many that fit to pass over, how many to give, and 1 for whole
 * records → the last key that was looked at or nothing, how many were passed over, and what fits.
 */
export const select = script(`
  local from, to, suffix, look, skip, take = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
  local found = redis.call('ZRANGEBYLEX', keys, from, to, 'LIMIT', 0, look)
  local fitting, passed = {}, 0
  for _, key in ipairs(found) do
    local rest = string.sub(key, -#suffix) == suffix or suffix == ''
    rest = rest and left(key)
    if rest then
      if passed < skip then
        passed = passed + 1
      elseif #fitting < take then
        if ARGV[7] == '1' then
          local more = redis.call('HGET', metadata, key) or '{}'
          fitting[#fitting + 1] = { key, redis.call('HGET', values, key), more, rest }
        else
          fitting[#fitting + 1] = key
        end
      end
    end
  end
  return { #found == look and found[look] or false, passed, fitting }
`);

function script(body: string): Script {
  const text = `${begin}${body}`;
  return { text, sha: createHash("sha1").update(text).digest("hex") };
}
