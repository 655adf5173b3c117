package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// maxMake bounds one call: a million orders of some 80 bytes each.
const maxMake = 1_000_000

// Made is what POST /control/orders did.
type Made struct {
	Account string `json:"account"`
	Count   int    `json:"count"`
	FirstID string `json:"firstId"`
	LastID  string `json:"lastId"`
}

// controlMake answers POST /control/orders: makes orders, the same ones for the same seed.
func (h *Host) controlMake(w http.ResponseWriter, r *http.Request) {
	var c recipe
	if !read(w, r, &c) {
		return
	}
	made, err := h.makeOrders(c)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	answer(w, http.StatusOK, made)
}

// MakeOrders makes count orders of a shop, spread from a time until now; the
// zero time makes them all now.
func (h *Host) MakeOrders(account string, count int, from time.Time, seed uint64) (Made, error) {
	c := recipe{Account: account, Count: count, Seed: seed}
	if !from.IsZero() {
		c.From = from.Format(time.RFC3339Nano)
	}
	return h.makeOrders(c)
}

func (h *Host) makeOrders(c recipe) (Made, error) {
	s := h.shop(cmp.Or(c.Account, h.shops[0].ID))
	if s == nil {
		return Made{}, fmt.Errorf("there is no account %q", c.Account)
	}
	from, to, err := c.span(time.Now())
	if err != nil {
		return Made{}, err
	}
	first := h.next.Add(int64(c.Count)) - int64(c.Count)
	s.orders.make(c, h.prints, first, from, to, h.visibleFrom(s.ID))
	return Made{s.ID, c.Count, fmt.Sprint(first), fmt.Sprint(first + int64(c.Count) - 1)}, nil
}

// span checks the recipe and reads its times.
func (c recipe) span(now time.Time) (from, to time.Time, err error) {
	if c.Count < 1 || c.Count > maxMake {
		return from, to, fmt.Errorf("count is a number from 1 to %d", maxMake)
	}
	for kind := range c.Mix {
		if !knownKind(kind) {
			return from, to, fmt.Errorf("mix knows %v, not %q", specialKinds, kind)
		}
	}
	if to, err = readTime(c.To, now); err != nil {
		return from, to, err
	}
	if from, err = readTime(c.From, to); err == nil && from.After(to) {
		err = errors.New("from lies after to")
	}
	return from, to, err
}

// readTime reads a day or an instant; empty is the fallback.
func readTime(text string, fallback time.Time) (time.Time, error) {
	if text == "" {
		return fallback, nil
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return t, fmt.Errorf("%q is neither a day (2026-01-31) nor an instant (2026-01-31T12:00:00Z)", text)
	}
	return t, nil
}

// Truth is what TrustFile should hold for each order of a shop.
func (h *Host) Truth(account string) []Truth {
	s := h.shop(account)
	if s == nil {
		return nil
	}
	return s.orders.truth()
}

// controlTruth answers GET /control/orders?account=.
func (h *Host) controlTruth(w http.ResponseWriter, r *http.Request) {
	s := h.shop(cmp.Or(r.URL.Query().Get("account"), h.shops[0].ID))
	if s == nil {
		refuse(w, http.StatusNotFound, "There is no such account.")
		return
	}
	answer(w, http.StatusOK, map[string]any{"account": s.ID, "orders": s.orders.truth()})
}

// controlRefund answers POST /control/orders/{id}/refund: {"amount":"5.00"} gives
// back an amount only, {"line":0} one line, {} all that is left.
func (h *Host) controlRefund(w http.ResponseWriter, r *http.Request) {
	var c struct {
		Amount money `json:"amount"`
		Line   *int  `json:"line"`
	}
	if read(w, r, &c) {
		h.change(w, r, func(d *document, at time.Time) error { return d.giveBack(c.Amount, c.Line, at) })
	}
}

// giveBack is the shop's rule for refunds: after an amount was given back
// without saying what for, only amounts can follow.
func (d *document) giveBack(amount money, line *int, at time.Time) error {
	switch {
	case d.Status != statusPaid:
		return fmt.Errorf("this order is %s", d.Status)
	case amount != 0:
		return d.refundAmount(amount, at)
	case d.amountOnly() && line == nil:
		return d.refundAmount(d.sale()-d.refunded(), at)
	case d.amountOnly():
		return errors.New("an amount was given back before: only amounts can follow")
	case line == nil:
		return d.refundLines(-1, at)
	}
	return d.refundLines(*line, at)
}

// controlCancel answers POST /control/orders/{id}/cancel.
func (h *Host) controlCancel(w http.ResponseWriter, r *http.Request) {
	h.change(w, r, func(d *document, at time.Time) error {
		if d.Status == statusCancelled {
			return errors.New("this order is cancelled already")
		}
		when := at.Format(stampLayout)
		d.Status, d.CancelledAt = statusCancelled, &when
		return nil
	})
}

// controlEdit answers POST /control/orders/{id}/edit: {"amount":"2.00"} makes the
// first line dearer (default 1.00); {"status":"paid"} turns a pending order into a paid one.
func (h *Host) controlEdit(w http.ResponseWriter, r *http.Request) {
	c := struct {
		Amount money  `json:"amount"`
		Status string `json:"status"`
	}{Amount: 100}
	if read(w, r, &c) {
		h.change(w, r, func(d *document, at time.Time) error { return d.edit(c.Amount, c.Status, at) })
	}
}

func (d *document) edit(amount money, status string, at time.Time) error {
	if status != "" && (status != statusPaid || d.Status != statusPending) {
		return errors.New("only a pending order can change its status, to paid")
	}
	if status == statusPaid {
		when := at.Format(stampLayout)
		d.Status, d.PaidAt = statusPaid, &when
		return nil
	}
	if len(d.Refunds) > 0 || d.Status == statusCancelled {
		return errors.New("what was refunded or cancelled cannot be edited")
	}
	if d.Lines[0].Amount+amount < 0 {
		return errors.New("the line cannot cost less than nothing")
	}
	d.Lines[0].Amount += amount
	d.add()
	return nil
}

// change applies f to the order in the path and answers its new state.
func (h *Host) change(w http.ResponseWriter, r *http.Request, f func(*document, time.Time) error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err == nil {
		err = errNoOrder
	}
	for _, s := range h.shops {
		if !s.orders.has(id) {
			continue
		}
		d, failed := s.orders.change(id, h.visibleFrom(s.ID), f)
		if err = failed; err == nil {
			answer(w, http.StatusOK, d)
			return
		}
	}
	status := http.StatusConflict
	if errors.Is(err, errNoOrder) {
		status = http.StatusNotFound
	}
	refuse(w, status, err.Error())
}

// controlFaults answers POST /control/faults: puts one in force, or ends all with an empty body.
func (h *Host) controlFaults(w http.ResponseWriter, r *http.Request) {
	controlFaults(w, r, h, "The host", hostFaults)
}

var hostFaults = []string{
	FaultThrottle, FaultError, FaultSlow, FaultTorn, FaultCut, FaultHTML, FaultRepeat, FaultEmpty,
	FaultLate, FaultDropped, FaultRevoked, FaultExpired, FaultLost,
}

// controlGrant answers POST /control/grants {"account"}: tokens without a browser.
func (h *Host) controlGrant(w http.ResponseWriter, r *http.Request) {
	var c struct {
		Account string `json:"account"`
	}
	if !read(w, r, &c) {
		return
	}
	g, err := h.Grant(cmp.Or(c.Account, h.shops[0].ID))
	if err != nil {
		refuse(w, http.StatusNotFound, err.Error())
		return
	}
	answer(w, http.StatusOK, g)
}

// controlStats answers GET /control/stats.
func (h *Host) controlStats(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"accounts": h.Stats(), "token": h.tokens.calls()})
}

// orderIDs are the numbers among names.
func orderIDs(names []string) []int64 {
	var ids []int64
	for _, name := range names {
		if id, err := strconv.ParseInt(name, 10, 64); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

func (os *orders) len() int {
	os.mu.RLock()
	defer os.mu.RUnlock()
	return len(os.byCreated)
}

func (os *orders) has(id int64) bool {
	os.mu.RLock()
	defer os.mu.RUnlock()
	return os.byID[id] != nil
}
