-- +goose Up
-- What the target has of an entry while our newer content is not taken yet, or
-- was refused: taking the entry back means taking that back.
ALTER TABLE entries ADD held_payload text; -- the content the target certainly took last, when payload is newer; null: payload itself, or nothing
-- Turn 1 is nobody's: as sent_seq it says that a request carried the entry and
-- nobody knows whether it was taken.
SELECT setval('entry_seq', last_value) FROM entry_seq;

-- +goose Down
ALTER TABLE entries DROP held_payload;
