package quickbooks

import (
	"context"
	"slices"

	"extractor/hostapi"
)

// Fetch reads documents by their keys. Deleted ones are absent; voided ones are there.
func (h *host) Fetch(ctx context.Context, a hostapi.Account, keys []string) (records []hostapi.Record, err error) {
	s := h.session(a.Client, a.HostID)
	byEntity := map[string][]string{}
	for _, key := range keys {
		if e, id, ok := idOf(key); ok {
			byEntity[e.name] = append(byEntity[e.name], id)
		}
	}
	for _, e := range entities {
		for ids := range slices.Chunk(byEntity[e.name], fetchSize) {
			l, err := s.query(ctx, e, among(ids), 1, fetchSize)
			if err != nil {
				return nil, err
			}
			some, err := h.complete(ctx, s, e, l.things)
			if err != nil {
				return nil, err
			}
			records = append(records, some...)
		}
	}
	return records, nil
}
