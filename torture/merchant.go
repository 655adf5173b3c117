package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// firstStart is so many days before today: where a merchant's start date begins.
const firstStart = 12

// merchant is an account at the host and what the consumer does about it.
type merchant struct {
	account string
	size    int
	edited  []string                                 // orders that were edited together last
	wishes  chan func(context.Context, *stage) error // done one after the other
	lives   []*life
	names   int
}

// life is a connection from its creation to its deletion.
type life struct {
	number  int64 // its row
	account string
	names   []span // what it was called, when
	start   string // its start date now
	on      string // what the consumer wished last: "", "on", "off"
	said    []string
	begin   time.Time
	end     time.Time // zero: it lives
}

// span is a name and the time in which items may be sent under it.
type span struct {
	name     string
	from, to time.Time // to zero: still
}

// halt is a time in which nothing may be sent under a name.
type halt struct {
	name, why string
	from, to  time.Time // to zero: to the end
}

func newMerchant(account string, size int) *merchant {
	return &merchant{account: account, size: size, wishes: make(chan func(context.Context, *stage) error, 1000)}
}

// now is the merchant's present connection.
func (m *merchant) now() *life { return m.lives[len(m.lives)-1] }

func (l *life) name() string { return l.names[len(l.names)-1].name }

func (l *life) path() string { return "/connections/" + url.PathEscape(l.name()) }

// serve fulfils the consumer's wishes about one merchant until there are no more.
func (m *merchant) serve(ctx context.Context, s *stage) {
	for wish := range m.wishes {
		if err := wish(ctx, s); err != nil {
			s.problem("%s: %v", m.account, err)
		}
	}
}

// create makes a connection and goes through its popup.
func (m *merchant) create(ctx context.Context, s *stage, name string, start string) error {
	begin := time.Now()
	a, err := s.consumer.call(ctx, http.MethodPost, "/connections", map[string]string{"connectionId": name, "startDate": start})
	if err != nil || a.status != http.StatusOK && a.tries == 1 {
		return fmt.Errorf("creating %s: status %d, %w", name, a.status, err)
	}
	l := &life{account: m.account, names: []span{{name: name, from: begin}}, start: start, begin: begin,
		said: []string{"created the connection with start date " + start}}
	m.lives = append(m.lives, l)
	if l.number, err = s.number(ctx, name); err != nil {
		return err
	}
	return s.consumer.authorise(ctx, name, m.account, s.world.SuccessURL())
}

// number is the row of a living connection.
func (s *stage) number(ctx context.Context, name string) (n int64, err error) {
	for range 100 { // the database may be down
		err = s.store.QueryRow(ctx, `SELECT id FROM connections WHERE external_id = $1 AND deleted_at IS NULL`, name).Scan(&n)
		if err == nil {
			break
		}
		time.Sleep(callPause)
	}
	return n, err
}

// put changes the connection.
func (m *merchant) put(ctx context.Context, s *stage, change map[string]any) (answered, error) {
	a, err := s.consumer.call(ctx, http.MethodPut, m.now().path(), change)
	if err == nil && a.status != http.StatusOK && (a.status != http.StatusNotFound || a.tries == 1) {
		err = fmt.Errorf("PUT %v: status %d: %s", change, a.status, a.body)
	}
	return a, err
}

func (m *merchant) moveStart(ctx context.Context, s *stage, start string) error {
	l := m.now()
	if start == l.start {
		return nil
	}
	_, err := m.put(ctx, s, map[string]any{"startDate": start})
	if err == nil {
		l.start = start
		l.said = append(l.said, "changed the start date to "+start)
	}
	return err
}

// disable switches the connection off; nothing may be sent once that is answered.
func (m *merchant) disable(ctx context.Context, s *stage) error {
	l := m.now()
	a, err := m.put(ctx, s, map[string]any{"enabled": false})
	if err == nil && l.on != "off" {
		l.on = "off"
		l.said = append(l.said, "switched synchronising off")
		s.halt(halt{name: l.name(), why: "it was switched off", from: a.at})
	}
	return err
}

func (m *merchant) enable(ctx context.Context, s *stage) error {
	l := m.now()
	s.resume(l.name(), time.Now())
	_, err := m.put(ctx, s, map[string]any{"enabled": true})
	if err == nil && l.on != "on" {
		l.on = "on"
		l.said = append(l.said, "switched synchronising on")
	}
	return err
}

// rename gives the connection another id; nothing may be sent under the old one
// once that is answered.
func (m *merchant) rename(ctx context.Context, s *stage) error {
	l := m.now()
	m.names++
	name, old, begin := fmt.Sprintf("%s-%d", m.account, m.names), l.name(), time.Now()
	a, err := m.put(ctx, s, map[string]any{"connectionId": name})
	if err != nil {
		return err
	}
	off := s.resume(old, a.at)
	l.names[len(l.names)-1].to = a.at
	l.names = append(l.names, span{name: name, from: begin})
	l.said = append(l.said, "changed the connection's id")
	if a.status == http.StatusOK { // else an answer was lost: when it came is not known
		s.halt(halt{name: old, why: "it was renamed", from: a.at})
	}
	if off {
		s.halt(halt{name: name, why: "it was switched off", from: a.at})
	}
	return nil
}

// anew deletes the connection and makes another one of the same account.
func (m *merchant) anew(ctx context.Context, s *stage, sameName bool) error {
	l := m.now()
	a, err := s.consumer.call(ctx, http.MethodDelete, l.path(), nil)
	if err != nil {
		return err
	}
	s.resume(l.name(), a.at)
	l.end = a.at
	l.names[len(l.names)-1].to = a.at
	l.said = append(l.said, "deleted the connection")
	if a.status == http.StatusOK {
		s.halt(halt{name: l.name(), why: "it was deleted", from: a.at})
	}
	name := l.name()
	if !sameName {
		m.names++
		name = fmt.Sprintf("%s-%d", m.account, m.names)
	}
	s.resume(name, time.Now())
	return m.create(ctx, s, name, l.start)
}

// letIn makes sure that in the end the connection works: switched on, let in.
func (m *merchant) letIn(ctx context.Context, s *stage) error {
	if err := m.enable(ctx, s); err != nil {
		return err
	}
	return m.readmit(ctx, s)
}

// readmit goes through the popup once more if we are no longer let in.
func (m *merchant) readmit(ctx context.Context, s *stage) error {
	l := m.now()
	a, err := s.consumer.call(ctx, http.MethodGet, l.path(), nil)
	if err != nil {
		return err
	}
	var detail struct{ Authorized bool }
	if err := json.Unmarshal(a.body, &detail); err != nil || detail.Authorized {
		return err
	}
	return s.consumer.authorise(ctx, l.name(), m.account, s.world.SuccessURL())
}

// halt notes a time in which nothing may be sent.
func (s *stage) halt(h halt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.halts = append(s.halts, h)
}

// resume ends the halts of a name, and reports whether there was one.
func (s *stage) resume(name string, at time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.halts, func(h halt) bool { return h.name == name && h.to.IsZero() })
	if i >= 0 {
		s.halts[i].to = at
	}
	return i >= 0
}

// day is so many days before today.
func day(n int) string { return time.Now().UTC().AddDate(0, 0, -n).Format(time.DateOnly) }
