-- +goose Up
ALTER TABLE connections
  ADD keep_at timestamptz NOT NULL DEFAULT now(), -- when its account is looked after at the host, where there is something to look after
  ADD consent_warned_for timestamptz,             -- the consent_expires_at that the merchant was warned of; null: never warned
  ADD consent_warned_days int;                    -- the last warning of it: days before the end; 0: it has ended
CREATE INDEX connections_keep ON connections (host, keep_at) WHERE authorized AND deleted_at IS NULL;
CREATE INDEX connections_consent ON connections (consent_expires_at) WHERE consent_expires_at IS NOT NULL AND deleted_at IS NULL;

-- +goose Down
DROP INDEX connections_consent;
DROP INDEX connections_keep;
ALTER TABLE connections DROP consent_warned_days, DROP consent_warned_for, DROP keep_at;
