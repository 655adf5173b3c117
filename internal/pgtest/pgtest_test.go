package pgtest

import "testing"

func TestEachTestHasADatabaseOfItsOwn(t *testing.T) {
	a, b := Pool(t), Pool(t)
	if _, err := a.Exec(t.Context(), `INSERT INTO activities (connection_id, action) VALUES (1, 'x')`); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := b.QueryRow(t.Context(), `SELECT count(*) FROM activities`).Scan(&n); err != nil || n != 0 {
		t.Fatalf("the other database has %d rows, %v", n, err)
	}
}
