package models

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Notice is what a host told us by itself.
type Notice struct {
	Host    string
	Wake    []string         // accounts at the host to look at
	Privacy []PrivacyRequest // what customers or the host ask of us by law
}

// RecordNotice keeps what a notice says, in one statement: when it returns, all
// of it is on disk. Accounts and requests that are noted already stay as they
// are; a request that was done a day ago or longer is done again.
func (s *Store) RecordNotice(ctx context.Context, n Notice) error {
	if err := n.check(); err != nil {
		return err
	}
	requests, err := json.Marshal(n.requests())
	if err != nil {
		return fmt.Errorf("record notice: %w", err)
	}
	_, err = s.Pool.Exec(ctx, `WITH woken AS (
			INSERT INTO wakes (host, account) SELECT DISTINCT $1, a FROM unnest($2::text[]) a ORDER BY a ON CONFLICT DO NOTHING)
		INSERT INTO privacy_requests AS p (hash, host, account, kind, records)
		SELECT decode(x.digest, 'hex'), $1, x.account, x.kind, x.records
		FROM json_to_recordset($3) x(digest text, account text, kind text, records text[]) ORDER BY x.digest
		ON CONFLICT (hash) DO UPDATE SET at = now(), due_at = now(), done_at = NULL, tries = 0
			WHERE p.done_at < now() - interval '1 day'`, n.Host, n.Wake, string(requests))
	if err != nil {
		return fmt.Errorf("record notice: %w", err)
	}
	return nil
}

// check refuses what Postgres cannot keep as text. The error is of kind Invalid.
func (n *Notice) check() error {
	texts := slices.Clone(n.Wake)
	for _, p := range n.Privacy {
		texts = append(append(texts, p.Account, string(p.Kind)), p.Records...)
	}
	for _, t := range texts {
		if !utf8.ValidString(t) || strings.ContainsRune(t, 0) {
			return Errorf(Invalid, "The notice names an account or a record in characters that are no text.")
		}
	}
	return nil
}

// noted is a privacy request on its way into the table.
type noted struct {
	Digest  string      `json:"digest"`
	Account string      `json:"account"`
	Kind    PrivacyKind `json:"kind"`
	Records []string    `json:"records"`
}

// requests are the notice's requests, each once.
func (n *Notice) requests() []noted {
	all := make([]noted, 0, len(n.Privacy))
	seen := map[string]bool{}
	for _, p := range n.Privacy {
		records := append([]string{}, p.Records...) // an empty list, not none
		slices.Sort(records)
		one := noted{Account: p.Account, Kind: p.Kind, Records: slices.Compact(records)}
		if one.Digest = one.digest(n.Host); !seen[one.Digest] {
			seen[one.Digest] = true
			all = append(all, one)
		}
	}
	return all
}

// digest names what is asked. No text holds the NUL that separates them.
func (n *noted) digest(host string) string {
	sum := sha256.Sum256([]byte(strings.Join(append([]string{host, n.Account, string(n.Kind)}, n.Records...), "\x00")))
	return hex.EncodeToString(sum[:])
}
