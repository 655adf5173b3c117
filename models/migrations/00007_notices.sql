-- +goose Up
-- Accounts that a host asked us to look at: however many notices come of one
-- account, they are one row. The sweep turns rows into due lanes.
CREATE TABLE wakes (
  host          text NOT NULL,                      -- folder name of the adapter
  account       text COLLATE "C" NOT NULL,          -- the account's id at the host
  at            timestamptz NOT NULL DEFAULT now(), -- when the sweep looks at it: at once, or when the lane is free for it
  PRIMARY KEY (host, account)
);
CREATE INDEX wakes_at ON wakes (at);
ALTER TABLE lanes ADD wake_after timestamptz; -- notices make it due no earlier; null: at once

-- What customers and hosts ask of us by law. A row stays as the proof that it was done.
CREATE TABLE privacy_requests (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  hash          bytea NOT NULL UNIQUE,              -- SHA-256 of what is asked, so that a notice which comes twice is one request
  host          text NOT NULL,                      -- folder name of the adapter
  account       text COLLATE "C" NOT NULL,          -- the account's id at the host
  kind          text NOT NULL,                      -- a word of models.PrivacyKind
  records       text[] COLLATE "C" NOT NULL,        -- keys of the host's records; empty: all of the account
  at            timestamptz NOT NULL DEFAULT now(), -- when it was asked
  due_at        timestamptz NOT NULL DEFAULT now(), -- when to work on it (again)
  done_at       timestamptz,                        -- null: not yet
  tries         int NOT NULL DEFAULT 0              -- how often it was begun
);
CREATE INDEX privacy_requests_due ON privacy_requests (due_at) WHERE done_at IS NULL;
-- Deleted connections of an account hold something of its customers as well.
CREATE INDEX connections_account ON connections (host, host_account) WHERE host_account IS NOT NULL;

-- +goose Down
DROP INDEX connections_account;
DROP TABLE privacy_requests;
ALTER TABLE lanes DROP wake_after;
DROP TABLE wakes;
