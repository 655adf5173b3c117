package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
)

const (
	// keptConns are the connections to two neighbours that a process keeps for a
	// minute; see internal/rest. Each is a file and two goroutines.
	keptConns = 2 * 16
	// atWork is for what works at the moment.
	atWork = 20
	// fileRoom and goroutineRoom are by how much a process may have grown through a
	// storm. One has some hundred requests, so what each of them leaves would be more.
	fileRoom, goroutineRoom = keptConns + atWork, 2*keptConns + atWork
	// mostSessions is how many sessions a process has at Postgres at the most: its
	// pool by default, and one more by which River listens.
	mostSessions = 11
)

// holding is what a process holds: 0 where that cannot be told.
type holding struct{ files, goroutines int }

// holdings are those of all processes now.
func (s *stage) holdings(ctx context.Context) (all []holding) {
	for _, d := range s.dynos {
		all = append(all, holding{d.openFiles(), s.goroutines(ctx, d)})
	}
	return all
}

// openFiles counts the process's files and sockets, where the system tells.
func (d *dyno) openFiles() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.running() {
		return 0
	}
	list, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", d.cmd.Process.Pid)) // none: not Linux
	return len(list)
}

var goroutinesLine = regexp.MustCompile(`(?m)^go_goroutines (\d+)$`)

// goroutines is what a process that has an API says of itself.
func (s *stage) goroutines(ctx context.Context, d *dyno) int {
	if d.web == "" {
		return 0
	}
	_, text, err := s.consumer.once(ctx, http.MethodGet, d.web+"/metrics", nil)
	if m := goroutinesLine.FindSubmatch(text); err == nil && m != nil {
		n, _ := strconv.Atoi(string(m[1])) // digits
		return n
	}
	return 0
}

// leaks compares what processes hold with what they held before the storm.
func (c *checker) leaks(ctx context.Context) {
	for i, now := range c.holdings(ctx) {
		c.grown(c.dynos[i].name, c.before[i], now)
	}
	var sessions int
	err := c.store.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND application_name LIKE 'extractor%'`, c.db).Scan(&sessions)
	if most := mostSessions * len(c.dynos); err != nil || sessions > most {
		c.fail("P14", "%d processes have %d sessions at Postgres, not %d at most (%v)", len(c.dynos), sessions, most, err)
	}
}

// grown judges one process, as far as it is known what it holds.
func (c *checker) grown(name string, before, now holding) {
	if before.files > 0 && now.files > before.files+fileRoom {
		c.fail("P14", "%s has %d open files, and had %d before the storm", name, now.files, before.files)
	}
	if before.goroutines > 0 && now.goroutines > before.goroutines+goroutineRoom {
		c.fail("P14", "%s has %d goroutines, and had %d before the storm", name, now.goroutines, before.goroutines)
	}
}
