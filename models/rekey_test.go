package models_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"extractor/internal/pgtest"
	"extractor/models"
)

const (
	firstKey  = "2025:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	secondKey = "2026:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
)

// withKeys is a store on the same database with another key ring.
func withKeys(t *testing.T, store *models.Store, keys string) *models.Store {
	t.Helper()
	sealer, err := models.NewSealer(keys)
	if err != nil {
		t.Fatal(err)
	}
	other, err := models.NewStore(store.Pool, sealer)
	if err != nil {
		t.Fatal(err)
	}
	return other
}

// newConnection makes a connection at a host called shop.
func newConnection(t *testing.T, store *models.Store) *models.Connection {
	t.Helper()
	id := models.RandomToken()
	c := &models.Connection{ExternalID: &id, Host: "shop", Zone: "UTC"}
	if err := store.DB(t.Context()).Create(c).Error; err != nil {
		t.Fatal(err)
	}
	return c
}

// secretsOfEveryKind fills every sealed column and gives the connections.
func secretsOfEveryKind(t *testing.T, store *models.Store, n int) (ids []int64) {
	t.Helper()
	ctx := t.Context()
	for range n {
		c := newConnection(t, store)
		ids = append(ids, c.ID)
		if err := store.PutToken(ctx, c.ID, models.Token{Access: "access", Refresh: "refresh"}); err != nil {
			t.Fatal(err)
		}
		if _, err := store.MakeTicket(ctx, models.Ticket{ConnectionID: c.ID, Redirect: "https://tfo.example/"}); err != nil {
			t.Fatal(err)
		}
		if _, err := store.BeginAttempt(ctx, models.Attempt{Kind: models.AttemptPopup, ConnectionID: &c.ID, Host: "shop"}, "cookie"); err != nil {
			t.Fatal(err)
		}
	}
	exec(t, store, `UPDATE tokens SET previous_refresh = NULL`)
	return ids
}

func TestRekeyWhileServing(t *testing.T) {
	t.Parallel()
	old := withKeys(t, pgtest.Store(t), firstKey)
	both, after := withKeys(t, old, secondKey+","+firstKey), withKeys(t, old, secondKey)
	ids := secretsOfEveryKind(t, old, 700) // more than a batch
	if err := models.CheckKeys(t.Context(), after); err == nil || !strings.Contains(err.Error(), "2025") {
		t.Fatalf("the old key is still needed: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	readers.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			if _, err := both.Token(t.Context(), ids[i%len(ids)]); err != nil {
				t.Error(err)
			}
		}
	})
	n, err := models.Rekey(t.Context(), both)
	stop()
	readers.Wait()
	if err != nil || n != 4*len(ids) {
		t.Fatalf("%d values, %v; want %d", n, err, 4*len(ids))
	}
	if n, err := models.Rekey(t.Context(), both); err != nil || n != 0 {
		t.Fatalf("the second time: %d values, %v", n, err)
	}
	if err := models.CheckKeys(t.Context(), after); err != nil {
		t.Fatal(err)
	}
	token, err := after.Token(t.Context(), ids[0])
	if err != nil || token.Access != "access" || token.Refresh != "refresh" {
		t.Fatalf("%+v, %v", token, err)
	}
}

func TestRekeyWithoutTheOldKeySaysWhichOneIsMissing(t *testing.T) {
	t.Parallel()
	old := withKeys(t, pgtest.Store(t), firstKey)
	secretsOfEveryKind(t, old, 1)
	_, err := models.Rekey(t.Context(), withKeys(t, old, secondKey))
	if err == nil || !strings.Contains(models.Sentence(err, ""), `"2025"`) {
		t.Fatalf("got %v", err)
	}
	if err := models.CheckKeys(t.Context(), old); err != nil {
		t.Fatal(err)
	}
}

func TestTokensOfTwoRowsCannotBeSwapped(t *testing.T) {
	t.Parallel()
	store := pgtest.Store(t)
	ids := secretsOfEveryKind(t, store, 2)
	exec(t, store, `UPDATE tokens a SET access = b.access FROM tokens b WHERE a.connection_id = $1 AND b.connection_id = $2`, ids[0], ids[1])
	if token, err := store.Token(t.Context(), ids[0]); err == nil {
		t.Fatalf("opened %q of another row", token.Access)
	}
	if _, err := store.Token(t.Context(), ids[1]); err != nil {
		t.Fatal(err)
	}
}

// TestEverySealedColumnIsListed compares the list with the schema: a bytea
// column is a hash or it is sealed.
func TestEverySealedColumnIsListed(t *testing.T) {
	t.Parallel()
	store := pgtest.Store(t)
	rows, err := store.Pool.Query(t.Context(), `SELECT table_name || '.' || column_name FROM information_schema.columns
		WHERE table_schema = 'public' AND data_type = 'bytea' AND column_name NOT LIKE '%hash' AND table_name NOT LIKE 'river%'
		AND table_name || '.' || column_name <> 'bad_items.body' ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	listed := strings.Join(models.SealedColumns(), " ") + " "
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(listed, name+" ") {
			t.Errorf("%s is not among the sealed columns: %s", name, listed)
		}
	}
}
