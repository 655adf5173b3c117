package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"
)

// work is a kind of thing that merchants and the consumer do.
type work struct {
	name   string
	weight int
	do     func(context.Context, *stage, *merchant, *rand.Rand) error
}

func (w work) odds() (string, int) { return w.name, w.weight }

// works are what makes the versions: the host's side at once, the consumer's
// side as a wish that is asked for until it is granted.
var works = []work{
	{"new orders", 9, newOrders},
	{"refund", 6, changeOrder("refund")},
	{"edit", 6, changeOrder("edit")},
	{"edit many", 5, editMany},
	{"cancel", 3, changeOrder("cancel")},
	{"pay", 1, changeOrder("pay")},
	{"start date", 2, wish(func(ctx context.Context, s *stage, m *merchant, n int) error { return m.moveStart(ctx, s, day(3+n%16)) })},
	{"rename", 2, wish(func(ctx context.Context, s *stage, m *merchant, _ int) error { return m.rename(ctx, s) })},
	{"off and on", 3, wish(offAndOn)},
	{"delete and create", 1, wish(func(ctx context.Context, s *stage, m *merchant, n int) error { return m.anew(ctx, s, n%2 == 0) })},
}

// wish is work that the consumer asks for.
func wish(do func(context.Context, *stage, *merchant, int) error) func(context.Context, *stage, *merchant, *rand.Rand) error {
	return func(_ context.Context, _ *stage, m *merchant, r *rand.Rand) error {
		n := r.IntN(1000)
		m.wishes <- func(ctx context.Context, s *stage) error { return do(ctx, s, m, n) }
		return nil
	}
}

func offAndOn(ctx context.Context, s *stage, m *merchant, n int) error {
	if err := m.disable(ctx, s); err != nil {
		return err
	}
	time.Sleep(time.Duration(100+n) * time.Millisecond)
	return m.enable(ctx, s)
}

// mix is per cent of orders that are not plain sales.
var mix = map[string]int{"refunded": 4, "partly": 5, "cancelled": 3, "test": 2, "pending": 3, "digital": 3, "pickup": 4}

func (m *merchant) open(ctx context.Context, s *stage, seed uint64) error {
	return m.make(ctx, s, m.size, day(10), seed, "")
}

func (m *merchant) make(ctx context.Context, s *stage, count int, from string, seed uint64, touched string) error {
	_, err := s.host(ctx, "orders", map[string]any{"account": m.account, "count": count, "from": from, "seed": seed, "mix": mix, "touched": touched})
	s.changed(ctx, m.account)
	return err
}

// newOrders makes orders, of today or of days before, that are listed as new now.
func newOrders(ctx context.Context, s *stage, m *merchant, r *rand.Rand) error {
	return m.make(ctx, s, 1+r.IntN(max(2, m.size/20)), day(r.IntN(9)), r.Uint64(), "now")
}

// changeOrder changes an order by chance. The host refuses what makes no sense.
func changeOrder(verb string) func(context.Context, *stage, *merchant, *rand.Rand) error {
	return func(ctx context.Context, s *stage, m *merchant, r *rand.Rand) error {
		orders := s.world.Host.Truth(m.account)
		o := orders[r.IntN(len(orders))]
		body := map[string]any{}
		path := verb
		switch {
		case verb == "pay":
			path, body["status"] = "edit", "paid"
		case verb == "edit":
			body["amount"] = fmt.Sprintf("%d.%02d", 1+r.IntN(9), r.IntN(100))
		case verb == "refund" && r.IntN(3) == 0:
			body["amount"] = fmt.Sprintf("%d.%02d", r.IntN(3), 1+r.IntN(99))
		case verb == "refund" && r.IntN(2) == 0:
			body["line"] = 0
		}
		_, err := s.host(ctx, "orders/"+o.ID+"/"+path, body)
		s.changed(ctx, m.account)
		return err
	}
}

// editMany edits a row of orders, so that most of a batch changes while it is
// under way.
func editMany(ctx context.Context, s *stage, m *merchant, r *rand.Rand) error {
	if len(m.edited) == 0 || r.IntN(3) == 0 { // else the same ones once more
		orders := s.world.Host.Truth(m.account)
		first := r.IntN(len(orders))
		m.edited = nil
		for _, o := range orders[first:min(len(orders), first+30)] {
			m.edited = append(m.edited, o.ID)
		}
	}
	for _, id := range m.edited {
		if _, err := s.host(ctx, "orders/"+id+"/edit", map[string]any{"amount": "0.07"}); err != nil {
			return err
		}
	}
	s.changed(ctx, m.account)
	return nil
}

// host asks the host's control API. Whatever it says but a fault of its own is
// an answer: it refuses what makes no sense.
func (s *stage) host(ctx context.Context, path string, in any) ([]byte, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.world.HostURL()+"/control/"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if res.StatusCode >= http.StatusInternalServerError || res.StatusCode == http.StatusBadRequest {
		return nil, fmt.Errorf("the host's control API: %d %s", res.StatusCode, text)
	}
	return text, err
}
