package models

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

const (
	// describedFor is how long a company's name and address count as known:
	// they are the default ship-from, and people do move.
	describedFor = 24 * time.Hour
	// undescribedPause is the time between two tries for a name not known yet.
	undescribedPause = 10 * time.Minute
)

// DescriptionsDue are connections whose company's name and address are to be
// asked for, those without a name first. They count as asked from now on.
func (s *Store) DescriptionsDue(ctx context.Context, limit int) ([]Connection, error) {
	var due []Connection
	err := s.DB(ctx).Raw(`UPDATE connections SET described_at = now() WHERE id IN (
			SELECT id FROM connections WHERE deleted_at IS NULL AND external_id IS NOT NULL
			AND (described_at IS NULL OR described_at < now() - CASE WHEN company_name IS NULL THEN @short ELSE @long END::interval)
			ORDER BY company_name IS NOT NULL, described_at NULLS FIRST LIMIT @limit FOR UPDATE SKIP LOCKED)
		RETURNING *`, map[string]any{"short": undescribedPause.String(), "long": describedFor.String(), "limit": limit}).Find(&due).Error
	if err != nil {
		return nil, fmt.Errorf("descriptions due: %w", err)
	}
	return due, nil
}

// Describe stores what the target says of a connection's company.
func (s *Store) Describe(ctx context.Context, connection int64, name string, address Address) error {
	b, err := json.Marshal(address)
	if err != nil {
		return err
	}
	_, err = s.Pool.Exec(ctx, `UPDATE connections SET company_name = nullif($2, ''), company_address = $3::jsonb
		WHERE id = $1 AND deleted_at IS NULL`, connection, name, string(b))
	if err != nil {
		return fmt.Errorf("describe: %w", err)
	}
	return nil
}
