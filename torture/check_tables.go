package main

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"extractor/models"
)

// changes are the beginnings of the activities that tell of the consumer's wishes.
var changes = []string{"created the connection", "changed the start date", "changed the connection's id", "switched synchronising", "deleted the connection"}

// activities checks, in our own tables, that each change of state has one activity (I7).
func (c *checker) activities(ctx context.Context) {
	for _, m := range c.merchants {
		for _, l := range m.lives {
			rows, err := c.store.Query(ctx, `SELECT action FROM activities WHERE connection_id = $1 ORDER BY id`, l.number)
			if err != nil {
				c.fail("I7", "the activities cannot be read: %v", err)
				return
			}
			all, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				c.fail("I7", "the activities cannot be read: %v", err)
				return
			}
			all = slices.DeleteFunc(all, func(action string) bool {
				return !slices.ContainsFunc(changes, func(begin string) bool { return strings.HasPrefix(action, begin) })
			})
			if !slices.Equal(all, l.said) {
				c.fail("I7", "(our tables) the activities of %s are %q, and what was done is %q", l.name(), all, l.said)
			}
		}
	}
}

// stuck checks, in our own tables, that no lane is leased for ever, no job runs
// that nobody works on, and none of the next version was touched (I8). All processes have ended by now.
func (c *checker) stuck(ctx context.Context) {
	since := c.cleared
	if c.lastKill.After(since) {
		since = c.lastKill
	}
	if c.plan.explains { // the last kill may have come later; what it left, River rescues
		since = time.Now()
	}
	rows, err := c.store.Query(ctx, `SELECT format('lane %s (%s) of connection %s is leased until %s', id, kind, connection_id, leased_until) FROM lanes
			WHERE leased_until > now() + interval '6 seconds'
		UNION ALL SELECT format('job %s (%s) is running, since %s', id, kind, attempted_at) FROM river_job WHERE state = 'running' AND attempted_at > $1
		UNION ALL SELECT format('job %s of the next version was taken: %s after %s attempts', id, state, attempt) FROM river_job
			WHERE kind = $2 AND (state <> 'available' OR attempt > 0)`, since.Add(c.skew), nextKind)
	if err == nil {
		var all []string
		all, err = pgx.CollectRows(rows, pgx.RowTo[string])
		for _, what := range all {
			c.fail("I8", "(our tables) %s", what)
		}
	}
	if err != nil {
		c.fail("I8", "the tables cannot be read: %v", err)
	}
}

// canaries looks for what is secret or personal where it must not be (I9): in
// the logs of all processes, and in what our tables tell people.
func (c *checker) canaries(ctx context.Context) {
	secrets := map[string]string{"the consumer's bearer": bearer, "the target's bearer": targetToken, "the client's secret": clientSecret,
		"the encryption key": encryptionKeys, "the database's password": passwordOf(c.pg.address)}
	c.tokens(ctx, secrets)
	var told []string
	err := c.store.QueryRow(ctx, `SELECT array_agg(t) FROM (SELECT args::text || coalesce(array_to_string(errors, ' '), '') t FROM river_job
		UNION ALL SELECT message FROM failures UNION ALL SELECT action FROM activities UNION ALL SELECT message || friendly_message FROM bad_items
		UNION ALL SELECT status_message FROM connections) x`).Scan(&told)
	if err != nil {
		c.fail("I9", "the tables cannot be read: %v", err)
	}
	c.absent("the tables", []byte(strings.Join(told, "\n")), secrets)
	for _, d := range c.dynos {
		log, err := os.ReadFile(d.log)
		if err != nil {
			c.fail("I9", "the log cannot be read: %v", err)
		}
		c.absent("the log of "+d.name, log, secrets)
	}
}

// tokens adds the merchants' tokens as they are now.
func (c *checker) tokens(ctx context.Context, secrets map[string]string) {
	sealer, err := models.NewSealer(encryptionKeys)
	if err != nil {
		c.fail("I9", "%v", err)
		return
	}
	store, err := models.NewStore(c.store, sealer)
	if err != nil {
		c.fail("I9", "%v", err)
		return
	}
	for _, m := range c.merchants {
		t, err := store.Token(ctx, m.now().number)
		if err != nil {
			c.fail("I9", "the token of %s: %v", m.account, err)
		}
		secrets[m.account+"'s access token"], secrets[m.account+"'s refresh token"], secrets[m.account+"'s previous token"] = t.Access, t.Refresh, t.Previous
	}
}

func (c *checker) absent(where string, text []byte, secrets map[string]string) {
	for what, secret := range secrets {
		if secret != "" && bytes.Contains(text, []byte(secret)) {
			c.fail("I9", "%s holds %s", where, what)
		}
	}
	if i := bytes.Index(text, []byte("@shop.example")); i >= 0 {
		c.fail("I9", "%s holds a customer's address: …%s", where, text[max(0, i-60):i])
	}
}

func passwordOf(address string) string {
	_, rest, _ := strings.Cut(address, "://")
	login, _, _ := strings.Cut(rest, "@")
	_, password, _ := strings.Cut(login, ":")
	return password
}

// tail is the end of a file, for the person who asks why.
func tail(file string) string {
	const most = 3000
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return string(text[max(0, len(text)-most):])
}
