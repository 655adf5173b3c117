-- +goose Up
-- Counts of what was delivered lately, without a pass over the whole ledger: a
-- BRIN index costs a writer next to nothing, and old page ranges are skipped.
CREATE INDEX entries_delivered ON entries USING brin (delivered_at) WITH (pages_per_range = 32, autosummarize = on);
-- Repeats of one failure are looked for before it is written down again.
CREATE INDEX failures_repeat ON failures (connection_id, at DESC);

-- Grants of deleted connections that are still to be given back at the host.
-- The tokens row is gone with the DELETE; this copy lives until the host has
-- answered, a day at most.
CREATE TABLE revocations (
  connection_id bigint PRIMARY KEY REFERENCES connections,
  access        bytea NOT NULL,                      -- sealed as tokens.access of this connection
  refresh       bytea,                               -- sealed as tokens.refresh; null: the host has none
  due_at        timestamptz NOT NULL DEFAULT now(),  -- when to try (again)
  attempts      int NOT NULL DEFAULT 0,              -- tries so far
  created_at    timestamptz NOT NULL DEFAULT now()   -- when the connection was deleted
);
CREATE INDEX revocations_due ON revocations (due_at);

-- +goose Down
DROP TABLE revocations;
DROP INDEX failures_repeat;
DROP INDEX entries_delivered;
