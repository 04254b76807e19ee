/**
 * All records of all stores are in one table of PostgreSQL's, which is made when it isn't there.
 *
 * Texts have the collation "C", so that they are sorted by their bytes and the key of the table serves prefixes. Only
 * the server's clock counts.
 */
export const statements = {
  look: `SELECT pg_is_in_recovery() AS is_standby, to_regclass('micro_records') IS NOT NULL AS has_table`,

  // One transaction, since it is one text without values. The lock is for two that make it at once, which fails otherwise.
  create: `
    SELECT pg_advisory_xact_lock(hashtext('micro_records'));
    CREATE TABLE IF NOT EXISTS micro_records (
      database text COLLATE "C" NOT NULL,
      "table" text COLLATE "C" NOT NULL,
      key text COLLATE "C" NOT NULL,
      value bytea NOT NULL,
      metadata json NOT NULL,
      expires_at timestamptz,
      PRIMARY KEY (database, "table", key)
    );
    CREATE INDEX IF NOT EXISTS micro_records_expires_at ON micro_records (expires_at) WHERE expires_at IS NOT NULL`,

  // $1 database, $2 table, $3 key
  read: `
    SELECT key, value, metadata::text, ${left()} AS left_ms FROM micro_records
    WHERE database = $1 AND "table" = $2 AND key = $3 AND ${living()}`,

  // $4 value, $5 metadata, $6 milliseconds
  write: `
    INSERT INTO micro_records (database, "table", key, value, metadata, expires_at)
    VALUES ($1, $2, $3, $4, $5, statement_timestamp() + $6::bigint * interval '1 millisecond')
    ON CONFLICT (database, "table", key) DO UPDATE
    SET value = excluded.value, metadata = excluded.metadata, expires_at = excluded.expires_at`,

  delete: `DELETE FROM micro_records WHERE database = $1 AND "table" = $2 AND key = $3`,

  list: `SELECT key FROM micro_records ${selected()}`,

  select: `SELECT key, value, metadata::text, ${left()} AS left_ms FROM micro_records ${selected()}`,

  sweep: `
    DELETE FROM micro_records WHERE ctid = ANY (ARRAY (
      SELECT ctid FROM micro_records WHERE expires_at <= statement_timestamp() LIMIT 10000 FOR UPDATE SKIP LOCKED))`,
} as const;

/** $3 prefix, $4 what is behind all that begin with it, $5 suffix, $6 limit, $7 offset. None of them is a pattern. */
function selected(): string {
  return `
    WHERE database = $1 AND "table" = $2 AND key >= $3 AND ($4::text IS NULL OR key < $4::text)
      AND right(key, char_length($5)) = $5 AND ${living()}
    ORDER BY key LIMIT $6 OFFSET $7`;
}

function living(): string {
  return "(expires_at IS NULL OR expires_at > statement_timestamp())";
}

function left(): string {
  return "ceil(extract(epoch FROM expires_at - statement_timestamp()) * 1000)::float8";
}

/** The least text that is greater than all that begin with `prefix`; `undefined` when there is none. */
export function behind(prefix: string): string | undefined {
  const points = [...prefix];
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    const point = last.codePointAt(0) ?? 0;
    if (point === 0x10_ffff) continue;
    // Between them are the halves of surrogate pairs, which are no characters.
    const next = point === 0xd7ff ? 0xe000 : point + 1;
    return points.join("") + String.fromCodePoint(next);
  }
  return undefined;
}
