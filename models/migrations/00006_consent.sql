-- +goose Up
-- What a merchant's consent does not give.
ALTER TABLE connections ADD history_from timestamptz; -- how far back this consent lets us read; null: as far as the host goes
ALTER TABLE connections ADD history_notice text;      -- what a merchant with an earlier start date can do about that; null: nothing to tell

-- +goose Down
ALTER TABLE connections DROP history_notice, DROP history_from;
