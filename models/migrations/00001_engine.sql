-- +goose Up
-- One connection is one merchant's account at one host, and one company at the target.
CREATE TABLE connections (
  id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- ours, never reused; what other tables refer to
  external_id       text COLLATE "C",                -- connectionId, the consumer's name for it and the company token; null until a signup answered
  host              text NOT NULL,                   -- folder name of the adapter
  start_date        date,                            -- merchant-local; null: not chosen yet
  wish              text NOT NULL DEFAULT 'none' CHECK (wish IN ('none', 'on', 'off')), -- what the consumer said by PUT
  pause             text NOT NULL DEFAULT '',        -- why we stopped it, a word of models.Pause; '' = we did not
  pause_probe_at    timestamptz,                     -- when to see whether our pause can be lifted; null: only a person can
  authorized        boolean NOT NULL DEFAULT false,  -- the host lets us in
  generation        bigint NOT NULL DEFAULT 1,       -- raised by disable, delete and rename; work of an older one is void
  host_account      text,                            -- the account's id at the host
  host_label        text,                            -- shown as hostSystemIdentifier
  zone              text NOT NULL DEFAULT 'UTC',     -- IANA name of the merchant's time zone
  settings          jsonb NOT NULL DEFAULT '{}',     -- by the host's own setting names
  company_name      text,                            -- from the target; null: not fetched yet
  company_address   jsonb,                           -- the target's default ship-from
  company_asked_at  timestamptz,                     -- when the target was last asked for it
  consent_expires_at timestamptz,                    -- when the merchant must consent again; null: never
  start_followed    date,                            -- the start date that the entries' states go by
  covered_from      timestamptz,                     -- from here on the host's changes are read or planned to be
  status_message    text NOT NULL DEFAULT '',        -- one state and one next action, for the merchant
  status_changed_at timestamptz NOT NULL DEFAULT now(),
  last_sync_at      timestamptz,                     -- end of the last incremental pull that reached the present
  next_sync_at      timestamptz,                     -- when the next one is due
  trouble_since     timestamptz,                     -- first of a run of failures of the host; null: it answers
  created_at        timestamptz NOT NULL DEFAULT now(),
  deleted_at        timestamptz,
  trim_at           timestamptz NOT NULL DEFAULT now(), -- when its old payloads are trimmed next
  forgotten_at      timestamptz,                     -- when what it held of customers was dropped after its deletion
  -- the enabled we show: the consumer's wish and our pause together
  enabled boolean NOT NULL GENERATED ALWAYS AS (
    deleted_at IS NULL AND pause = '' AND (wish = 'on' OR (wish = 'none' AND authorized AND start_date IS NOT NULL))) STORED,
  -- enabled, and able to work
  active boolean NOT NULL GENERATED ALWAYS AS (
    deleted_at IS NULL AND pause = '' AND wish <> 'off' AND authorized AND start_date IS NOT NULL) STORED
);
CREATE UNIQUE INDEX connections_external_id ON connections (external_id) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX connections_host_account ON connections (host, host_account) WHERE deleted_at IS NULL AND host_account IS NOT NULL;
CREATE INDEX connections_unnamed ON connections (id) WHERE company_asked_at IS NULL AND deleted_at IS NULL;
CREATE INDEX connections_deleted ON connections (deleted_at) WHERE deleted_at IS NOT NULL AND forgotten_at IS NULL;
CREATE INDEX connections_trim ON connections (trim_at) WHERE forgotten_at IS NULL;
CREATE INDEX connections_probe ON connections (pause_probe_at) WHERE pause_probe_at IS NOT NULL AND deleted_at IS NULL;

-- The service as a whole: one row.
CREATE TABLE service (
  id            boolean PRIMARY KEY DEFAULT true CHECK (id),
  enabled       boolean NOT NULL DEFAULT true,  -- the consumer's wish by PUT /connector
  pause         text NOT NULL DEFAULT '',       -- why we stopped it ourselves
  probe_at      timestamptz,                    -- when to try again by ourselves
  doubted_at    timestamptz,                    -- first answer of the target that our token is bad
  target_failing_since timestamptz,             -- first of a run of time-outs and 5xx over all connections
  target_ok_at  timestamptz,                    -- last good answer of the target
  care_at       timestamptz NOT NULL DEFAULT now(), -- when the housekeeping is due
  updated_at    timestamptz NOT NULL DEFAULT now()
);
INSERT INTO service DEFAULT VALUES;

-- Merchants' tokens, sealed.
CREATE TABLE tokens (
  connection_id      bigint PRIMARY KEY REFERENCES connections,
  access             bytea NOT NULL,      -- sealed
  refresh            bytea,               -- sealed; null: the host has none
  previous_refresh   bytea,               -- sealed; kept until the access token that replaced it was used once
  expires_at         timestamptz,         -- of the access token; null: never
  refreshed_at       timestamptz NOT NULL DEFAULT now(),
  version            bigint NOT NULL DEFAULT 1 -- guards against a late writer
);
CREATE INDEX tokens_refreshed ON tokens (refreshed_at);

-- Work that is claimed by a lease on its row.
CREATE TABLE lanes (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  connection_id bigint NOT NULL REFERENCES connections,
  kind          text NOT NULL CHECK (kind IN ('incremental', 'backfill', 'delivery', 'reconcile')),
  from_at       timestamptz,               -- incremental: the high-water mark; others: bottom of the window, inside
  to_at         timestamptz,               -- backfill, reconcile: top of the window, outside; incremental: top of the pull under way
  cursor        text NOT NULL DEFAULT '',  -- the host's word for the next page of the window under way
  due_at        timestamptz,               -- when to work on it; null: parked or finished
  done_at       timestamptz,               -- a backfill window that was read to its end
  leased_until  timestamptz,               -- whoever claimed it works until then
  epoch         bigint NOT NULL DEFAULT 0, -- raised by every claim; a commit of an older epoch is void
  failures      int NOT NULL DEFAULT 0,    -- in a row
  batch_limit   int,                       -- delivery: a smaller batch than the target's own limit, after time-outs
  pages         bigint NOT NULL DEFAULT 0  -- of the window under way, to notice a host that never ends
);
CREATE INDEX lanes_due ON lanes (kind, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX lanes_leased ON lanes (kind, leased_until) WHERE leased_until IS NOT NULL;
CREATE INDEX lanes_connection ON lanes (connection_id, kind);
CREATE UNIQUE INDEX lanes_single ON lanes (connection_id, kind) WHERE kind <> 'backfill';

-- The ledger, which is the outbox as well: one row for one thing at the target.
CREATE SEQUENCE entry_seq;
CREATE TABLE entries (
  connection_id bigint NOT NULL,
  kind          text COLLATE "C" NOT NULL,   -- sale, refund; record: a record that yielded nothing
  key           text COLLATE "C" NOT NULL,   -- the target's item id
  record        text COLLATE "C" NOT NULL,   -- the host record it came from: kind and key
  version       text COLLATE "C" NOT NULL,   -- of that record, as read
  state         text NOT NULL,               -- a word of models.EntryState
  reason        text,                        -- of skipped and bad ones
  hash          bytea,                       -- of the canonical item and the mapping version
  seq           bigint NOT NULL DEFAULT nextval('entry_seq'), -- this content's turn
  sent_seq      bigint NOT NULL DEFAULT 0,   -- the content the target took last; 0: none
  day           date,                        -- merchant-local day of the transaction
  sales_amount    bigint NOT NULL DEFAULT 0, -- cents, as wanted at the target
  sales_tax       bigint NOT NULL DEFAULT 0,
  shipping_amount bigint NOT NULL DEFAULT 0,
  shipping_tax    bigint NOT NULL DEFAULT 0,
  payload       text,                        -- the canonical item; gone 30 days after delivery
  prior_payload text,                        -- what an unsettled batch carries, when payload is newer
  reverses      text COLLATE "C",            -- on what we made to take back another entry: that one's key
  compensated   boolean NOT NULL DEFAULT false, -- taken back, because the host no longer has it
  deliver_after timestamptz,                 -- not before; null: at once
  verify_after  timestamptz,                 -- read back then; null: nothing to verify
  created_at    timestamptz NOT NULL DEFAULT now(),
  changed_at    timestamptz NOT NULL DEFAULT now(),
  delivered_at  timestamptz,
  PRIMARY KEY (connection_id, kind, key)
);
CREATE INDEX entries_record ON entries (connection_id, record);
CREATE INDEX entries_pending ON entries (connection_id, seq) WHERE state = 'pending';
CREATE INDEX entries_verify ON entries (connection_id, verify_after) WHERE verify_after IS NOT NULL;

-- What was read, by transaction day. The state of a day is counted from entries.
CREATE TABLE tallies (
  connection_id bigint NOT NULL,
  day        date NOT NULL,
  fetched    bigint NOT NULL DEFAULT 0, -- readings, repeats included
  new        bigint NOT NULL DEFAULT 0,
  changed    bigint NOT NULL DEFAULT 0,
  unchanged  bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (connection_id, day)
);

-- What reconciliation found.
CREATE TABLE recounts (
  connection_id bigint NOT NULL,
  day        date NOT NULL,
  at         timestamptz NOT NULL DEFAULT now(),
  host_records   bigint NOT NULL, -- listed by the host for the day
  missing    bigint NOT NULL,     -- listed there, unknown or older here: fetched then
  vanished   bigint NOT NULL,     -- known here, no longer there: compensated
  PRIMARY KEY (connection_id, day, at)
);

-- The one batch of a connection that is under way or whose outcome is unknown.
CREATE TABLE batches (
  connection_id bigint PRIMARY KEY,
  kinds         text[] NOT NULL,
  keys          text[] NOT NULL,
  seqs          bigint[] NOT NULL,           -- the content sent
  epoch         bigint NOT NULL,             -- of the delivery lane's lease that sends it
  reading       boolean NOT NULL DEFAULT false, -- items are read back, nothing is sent
  posting_until timestamptz,                 -- a request may start until then or is under way; null: it was answered
  first_sent_at timestamptz NOT NULL DEFAULT now(),
  unsure        boolean NOT NULL DEFAULT false, -- an earlier request with these bytes had no clear answer
  attempts      int NOT NULL DEFAULT 0
);

-- Written and read once or twice, then gone: not worth compressing.
ALTER TABLE batches ALTER kinds SET STORAGE EXTERNAL, ALTER keys SET STORAGE EXTERNAL, ALTER seqs SET STORAGE EXTERNAL;

-- What the merchant reads.
CREATE TABLE activities (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  connection_id bigint NOT NULL,
  at            timestamptz NOT NULL DEFAULT now(),
  action        text NOT NULL
);
CREATE INDEX activities_connection ON activities (connection_id, at DESC, id DESC);

-- What GET /errors answers.
CREATE TABLE failures (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at            timestamptz NOT NULL DEFAULT now(),
  type          text NOT NULL CHECK (type IN ('INTEGRATION', 'CONNECTION', 'SYSTEM')),
  connection_id bigint,
  message       text NOT NULL               -- names the connection by the id it had then
);
CREATE INDEX failures_at ON failures (at DESC);

-- Records and items that were set aside.
CREATE TABLE bad_items (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  connection_id bigint NOT NULL,
  at            timestamptz NOT NULL DEFAULT now(),
  stage         text NOT NULL CHECK (stage IN ('transform', 'target')), -- who refused it
  kind          text COLLATE "C" NOT NULL,  -- of the entry; record: the host record as a whole
  key           text COLLATE "C" NOT NULL,
  record        text COLLATE "C" NOT NULL,
  version       text COLLATE "C" NOT NULL DEFAULT '',
  message       text NOT NULL,              -- what is wrong, technically
  friendly_message text NOT NULL,           -- what the merchant can do
  body          bytea,                      -- the host's record as read, gzip; only stage transform, until settled
  mapping       int NOT NULL DEFAULT 0,     -- version of the mapping that refused it
  settled_at    timestamptz
);
CREATE UNIQUE INDEX bad_items_open ON bad_items (connection_id, kind, key) WHERE settled_at IS NULL;
CREATE INDEX bad_items_at ON bad_items (at DESC);

-- +goose Down
DROP TABLE bad_items, failures, activities, batches, recounts, tallies, entries, lanes, tokens, service, connections;
DROP SEQUENCE entry_seq;
