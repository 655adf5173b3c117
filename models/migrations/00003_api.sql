-- +goose Up
-- How many items the target took lately, so that this can be told without a pass
-- over the ledger or one more index on it. Rows go after a day.
CREATE TABLE deliveries (
  connection_id bigint NOT NULL,
  minute        timestamptz NOT NULL,                -- its beginning
  items         bigint NOT NULL,                     -- taken in that minute, repeats included
  PRIMARY KEY (connection_id, minute)
);
CREATE INDEX deliveries_minute ON deliveries (minute);
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
DROP TABLE deliveries;
