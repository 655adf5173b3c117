-- +goose Up
-- Processes that work on lanes. Each says every few seconds that it lives, so
-- that the others notice when none does.
CREATE TABLE workers (
  id            uuid PRIMARY KEY,                   -- drawn by the process at its start
  started_at    timestamptz NOT NULL DEFAULT now(),
  seen_at       timestamptz NOT NULL DEFAULT now()  -- its last sign of life
);
-- Lanes that fail again and again are few; health counts them.
CREATE INDEX lanes_failing ON lanes (connection_id) WHERE failures > 3;

-- +goose Down
DROP INDEX lanes_failing;
DROP TABLE workers;
