-- +goose Up
-- Delivery changes an entry's state and nothing that others look entries up by.
-- An index on what is pending made it write the entry anew to every index; one
-- on turns alone, and room for the entry's new version on its page, do not.
ALTER TABLE lanes ADD settled_seq bigint NOT NULL DEFAULT 0; -- delivery: no entry is pending whose turn is this or an earlier one
CREATE INDEX entries_turn ON entries (connection_id, seq);
DROP INDEX entries_pending;
ALTER TABLE entries SET (fillfactor = 50);

-- +goose Down
ALTER TABLE entries RESET (fillfactor);
CREATE INDEX entries_pending ON entries (connection_id, seq) WHERE state = 'pending';
DROP INDEX entries_turn;
ALTER TABLE lanes DROP settled_seq;
