-- +goose Up
-- How often hosts may still be asked, over all processes. Both tables are of
-- the moment: a crash of Postgres empties them, and the buckets are full again.
CREATE UNLOGGED TABLE quotas (
  host          text NOT NULL,                     -- folder name of the adapter
  connection_id bigint NOT NULL,                   -- 0: our app, over all merchants
  tokens        double precision NOT NULL,         -- requests that were allowed at that time; part of one counts
  at            timestamptz NOT NULL,              -- the database's clock
  PRIMARY KEY (host, connection_id)
);

-- Requests under way at hosts that allow so many at a time for one account.
CREATE UNLOGGED TABLE request_slots (
  connection_id bigint NOT NULL,
  slot          int NOT NULL,                      -- from 1 to as many as the host allows
  taken_until   timestamptz NOT NULL,              -- free from then on, whatever became of the process that took it
  PRIMARY KEY (connection_id, slot)
);

ALTER TABLE connections ADD throttled_until timestamptz; -- the latest time until which the host, or our own quota, made us wait

-- +goose Down
ALTER TABLE connections DROP throttled_until;
DROP TABLE request_slots, quotas;
