-- +goose Up
-- A new connection asks when one of the same id was deleted last.
CREATE INDEX connections_former ON connections (external_id, deleted_at) WHERE deleted_at IS NOT NULL;

-- +goose Down
DROP INDEX connections_former;
