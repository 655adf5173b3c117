package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"extractor/sandbox"
)

// directed are schedules written by hand, each of which makes a race certain
// that drawn ones seldom meet. They are of the same steps, and some that are not
// drawn. No process ends or stands still in them but where it says so, and no wire
// fails, so nothing else has an excuse.
var directed = map[string]plan{
	"version": { // two lanes read one order, and the older reading is committed last
		seed: 910_001, roles: []string{roleBoth, roleWorker}, sizes: []int{160}, tokenLife: time.Hour, start: 2, strict: true,
		work: steps(6, 300*time.Millisecond, editHeld),
	},
	"epoch": { // who sent a batch stands still for longer than its lease, and hears the answer when the next one is under way
		seed: 910_002, roles: []string{roleBoth, roleWorker}, sizes: []int{60}, tokenLife: time.Hour, start: firstStart, strict: true,
		env:  []string{"FAILPOINT=" + afterPost, "FAILPOINT_WAYS=hang", "FAILPOINT_HANG=" + stillTime.String()},
		work: steps(1, 0, lateNews),
	},
	"grace": { // who is about to send a batch stands still for longer than its lease
		seed: 910_005, roles: []string{roleBoth, roleWorker}, sizes: []int{160}, tokenLife: time.Hour, start: firstStart, strict: true,
		env:    []string{"FAILPOINT=after mark", "FAILPOINT_WAYS=hang", "FAILPOINT_HANG=" + freezeTime.String()},
		faults: []step{{what: targetSlow, long: 9 * time.Second}},
		work:   steps(1, 0, "new orders"),
	},
	"ledger": { // who reads a page dies right before its commit
		seed: 910_008, roles: []string{roleBoth, roleWorker}, sizes: []int{160}, tokenLife: time.Hour, start: 9, unarmed: pageCommit,
		env:  []string{"FAILPOINT=" + pageCommit, "FAILPOINT_WAYS=kill"},
		work: steps(1, 0, pastLost),
	},
	"quiet": { // orders change while a copy of what they were is still to take effect
		seed: 910_007, roles: []string{roleBoth, roleWorker}, sizes: []int{60}, tokenLife: time.Hour, start: firstStart, strict: true,
		work: steps(1, 0, lateCopy),
	},
	"reconcile": { // orders change, and the listing never says so
		seed: 910_006, roles: []string{roleBoth, roleWorker}, sizes: []int{160}, tokenLife: time.Hour, start: firstStart, strict: true,
		work: steps(2, time.Second, editUnlisted),
	},
	"generation": { // a connection is switched off, renamed or deleted amid its delivery
		seed: 910_003, roles: []string{roleBoth, roleWorker}, sizes: []int{600}, tokenLife: time.Hour, start: firstStart, strict: true,
		faults: []step{{what: targetFew, long: 12 * time.Second}},
		work:   steps(2, 0, amid("off and on"), amid("rename"), amid("delete and create")),
	},
	"lock": { // several processes need a new token of one account at once
		seed: 910_004, roles: []string{roleBoth, roleWorker, roleWorker}, sizes: []int{40, 40}, tokenLife: 1500 * time.Millisecond, start: 1, strict: true,
		env:    []string{"SYNC_INTERVAL=3s"},
		faults: []step{{what: endpointSlow, long: 9 * time.Second}},
		work:   steps(4, 0, twoReaders, twoReaders),
	},
}

// The steps that are not drawn.
const (
	editHeld     = "edit of an order on a page that is held"
	twoReaders   = "two lanes begin with a stale token"
	lateNews     = "orders change while the answer to the delivery before them is not heard"
	targetSlow   = "trustfile: slow, all the time"
	lateCopy     = "orders change while a request with what they were is to take effect late"
	pastLost     = "the start date moves, and who reads the past dies"
	editUnlisted = "edit of orders that the listing never shows again"
	targetFew    = "trustfile: takes a few at a time, all the time"
	endpointSlow = "host: token endpoint slow, all the time"
)

// amid is a change that comes while a delivery is under way.
func amid(change string) string { return change + ", amid a delivery" }

var directedWorks = []work{
	{name: editHeld, do: editWhileHeld},
	{name: lateNews, do: changeWhileStill},
	{name: lateCopy, do: changeBeforeLateCopy},
	{name: editUnlisted, do: editWhatIsNotListed},
	{name: pastLost, do: killReaderOfPast},
	{name: twoReaders, do: startTwoReaders},
	{name: amid("off and on"), do: amidDelivery(func(ctx context.Context, s *stage, m *merchant) error { return offAndOn(ctx, s, m, 900) })},
	{name: amid("rename"), do: amidDelivery(func(ctx context.Context, s *stage, m *merchant) error { return m.rename(ctx, s) })},
	{name: amid("delete and create"), do: amidDelivery(func(ctx context.Context, s *stage, m *merchant) error { return m.anew(ctx, s, false) })},
}

var directedFaults = []trouble{
	standing(targetSlow, sideTarget, func(s *stage) {
		s.world.TrustFile.AddFault(sandbox.Fault{Kind: sandbox.FaultSlow, DelayMS: 1000})
	}),
	standing(targetFew, sideTarget, func(s *stage) {
		s.world.TrustFile.AddFault(sandbox.Fault{Kind: sandbox.FaultTooLarge, Limit: 4})
		s.world.TrustFile.AddFault(sandbox.Fault{Kind: sandbox.FaultSlow, DelayMS: 150})
	}),
	standing(endpointSlow, sideToken, func(s *stage) {
		s.world.Host.AddFault(sandbox.Fault{Kind: sandbox.FaultSlow, Door: "token", DelayMS: 500})
	}),
}

// standing is a fault that lasts until the storm is over.
func standing(name string, about side, begin func(*stage)) trouble {
	return trouble{name: name, side: about, begin: func(_ context.Context, s *stage, _ step, _ *rand.Rand) func() {
		begin(s)
		return nothing
	}}
}

// steps repeats a row of steps, with so much time from one to the next at the least.
func steps(times int, apart time.Duration, row ...string) (all []step) {
	for i := range times * len(row) {
		all = append(all, step{at: time.Duration(i) * apart, what: row[i%len(row)], pick: uint64(i)}) //nolint:gosec // small
	}
	return all
}

const (
	// heldMost is how long a page is held: below the time that a request may take.
	heldMost = 1300 * time.Millisecond
	// comingPatience is how long a directed step waits for the moment it needs.
	comingPatience = 20 * time.Second
	comingPoll     = 5 * time.Millisecond
)

var errNeverCame = errors.New("the moment never came")

// editWhileHeld has one order read by two lanes: an older version of it by a
// window of the past, whose page is held until the newer one is at the target.
func editWhileHeld(ctx context.Context, s *stage, m *merchant, _ *rand.Rand) error {
	start, order, err := m.gap(s)
	if err != nil {
		return err
	}
	hold := s.world.Host.Hold(m.account, order.ID)
	defer hold.Release()
	if err := m.moveStart(ctx, s, start); err != nil {
		return err
	}
	select {
	case <-hold.Taken():
	case <-time.After(comingPatience):
		return errNeverCame
	}
	held := time.Now()
	if _, err := s.host(ctx, "orders/"+order.ID+"/edit", map[string]any{"amount": "3.07"}); err != nil {
		return err
	}
	s.seen.look(s.world.Host, m.account)
	for time.Since(held) < heldMost && !s.arrived(m, order.ID) {
		time.Sleep(comingPoll)
	}
	return nil
}

// editWhatIsNotListed changes orders after the listing ceased to show them: the
// recount alone can find that.
func editWhatIsNotListed(ctx context.Context, s *stage, m *merchant, r *rand.Rand) error {
	if dropOrders(ctx, s, step{}, r) == nil {
		return errNeverCame
	}
	for _, id := range s.dropped {
		if _, err := s.host(ctx, "orders/"+id+"/edit", map[string]any{"amount": "2.09"}); err != nil {
			return err
		}
	}
	s.seen.look(s.world.Host, m.account)
	return nil
}

// pageCommit is where the reader of a page dies.
const pageCommit = "before the page's commit"

// killReaderOfPast ends who reads orders that an earlier start date asks for, older
// than the recount looks back, before they are committed. Were the position, nobody
// would find them.
func killReaderOfPast(ctx context.Context, s *stage, m *merchant, _ *rand.Rand) error {
	if !s.quiescent(ctx, m) {
		return errNeverCame
	}
	if err := os.Remove(failureNote(s.folder, pageCommit, "kill")); err != nil {
		return err
	}
	begun := time.Now()
	if err := m.moveStart(ctx, s, day(firstStart)); err != nil {
		return err
	}
	if !s.failed(ctx, pageCommit, "kill") {
		return errNeverCame
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.injected = append(s.injected, &fault{name: "kill -9 " + pageCommit, side: sideProcess, from: begun, to: time.Now()})
	return nil
}

// gap is a start date one day earlier, and an order that only its window reads:
// sold in that day, and never changed since.
func (m *merchant) gap(s *stage) (start string, order sandbox.Truth, err error) {
	now, err := time.Parse(time.DateOnly, m.now().start)
	if err != nil {
		return "", order, err
	}
	start = now.AddDate(0, 0, -1).Format(time.DateOnly)
	covered := now.Add(-15 * time.Hour).Format(time.RFC3339) // see models.ReadFrom
	for _, o := range s.world.Host.Truth(m.account) {
		if o.CreatedAt < covered && o.UpdatedAt == o.CreatedAt && len(o.Expected) == 1 && o.Expected[0].TransactionDate[:len(time.DateOnly)] >= start {
			return start, o, nil
		}
	}
	return "", order, fmt.Errorf("no order of %s was sold on %s", m.account, start)
}

// arrived reports whether the target has the host's last version of a sale.
func (s *stage) arrived(m *merchant, id string) bool {
	want := truth(s.world.Host, m.account)[key{id: id}]
	for _, h := range s.world.TrustFile.Items(m.now().name()) {
		if h.ItemID == id && !h.Refund {
			v := h.Versions[len(h.Versions)-1]
			return amountsOf(want) == amounts{v.SalesAmount, v.SalesTax, v.ShippingAmount, v.ShippingTax}
		}
	}
	return false
}

const (
	// afterPost is where the sender of a batch stands still, and stillTime for how
	// long: a lease, and time for the next one to send twice.
	afterPost = "after POST"
	stillTime = 6 * time.Second
	// lateMost is how late a copy takes effect: within the quiet time, 5.7 s.
	lateMost = 4 * time.Second
)

// changeWhileStill has new orders sent by who took over from a sender that
// stands still; the target cuts these requests off, and takes them later. They
// change at the moment at which that sender goes on.
func changeWhileStill(ctx context.Context, s *stage, m *merchant, r *rand.Rand) error {
	if !s.failed(ctx, afterPost, "hang") {
		return errNeverCame
	}
	began, old := time.Now(), s.world.Host.Truth(m.account)
	if err := m.make(ctx, s, 8, day(1), r.Uint64(), "now"); err != nil {
		return err
	}
	var news []string
	for _, o := range s.world.Host.Truth(m.account) {
		if !slices.ContainsFunc(old, func(t sandbox.Truth) bool { return t.ID == o.ID }) {
			news = append(news, o.ID)
		}
	}
	s.world.TrustFile.AddFault(sandbox.Fault{Kind: sandbox.FaultLate, Items: news, DelayMS: int(lateMost.Milliseconds())})
	until(ctx, began.Add(stillTime))
	s.world.TrustFile.ClearFaults()
	for _, id := range news {
		if _, err := s.host(ctx, "orders/"+id+"/edit", map[string]any{"amount": "5.05"}); err != nil {
			return err
		}
	}
	s.seen.look(s.world.Host, m.account)
	until(ctx, time.Now().Add(lateMost))
	return nil
}

// changeBeforeLateCopy has new orders in a request that is cut off and takes
// effect later; all that follows is taken at once, and they change.
func changeBeforeLateCopy(ctx context.Context, s *stage, m *merchant, r *rand.Rand) error {
	if !s.quiescent(ctx, m) {
		return errNeverCame
	}
	sent := len(s.world.TrustFile.Requests(m.now().name()))
	s.world.TrustFile.AddFault(sandbox.Fault{Kind: sandbox.FaultLate, Count: 1, DelayMS: int(lateMost.Milliseconds())})
	if err := m.make(ctx, s, 8, day(1), r.Uint64(), "now"); err != nil {
		return err
	}
	for until := time.Now().Add(comingPatience); len(s.world.TrustFile.Requests(m.now().name())) == sent; time.Sleep(comingPoll) {
		if time.Now().After(until) {
			return errNeverCame
		}
	}
	late := time.Now()
	all := s.world.Host.Truth(m.account)
	for _, o := range all[len(all)-8:] {
		if _, err := s.host(ctx, "orders/"+o.ID+"/edit", map[string]any{"amount": "6.03"}); err != nil {
			return err
		}
	}
	s.seen.look(s.world.Host, m.account)
	until(ctx, late.Add(lateMost+time.Second))
	return nil
}

// quiescent waits until the target has had no request for a second.
func (s *stage) quiescent(ctx context.Context, m *merchant) bool {
	const calmTime = time.Second
	count, since := 0, time.Now()
	for began := time.Now(); time.Since(began) < comingPatience && ctx.Err() == nil; time.Sleep(comingPoll) {
		if n := len(s.world.TrustFile.Requests(m.now().name())); n != count {
			count, since = n, time.Now()
		} else if count > 0 && time.Since(since) > calmTime {
			return true
		}
	}
	return false
}

// failed waits until a place of the code failed in a way.
func (s *stage) failed(ctx context.Context, place, way string) bool {
	for until := time.Now().Add(comingPatience); time.Now().Before(until) && ctx.Err() == nil; time.Sleep(comingPoll) {
		if _, err := os.Stat(failureNote(s.folder, place, way)); err == nil {
			return true
		}
	}
	return false
}

// startTwoReaders makes a window of the past and the present due in one moment,
// at which the token is stale.
func startTwoReaders(ctx context.Context, s *stage, m *merchant, _ *rand.Rand) error {
	l := m.now()
	if err := m.disable(ctx, s); err != nil {
		return err
	}
	time.Sleep(s.plan.tokenLife)
	start, err := time.Parse(time.DateOnly, l.start)
	if err != nil {
		return err
	}
	s.resume(l.name(), time.Now())
	earlier := start.AddDate(0, 0, -1).Format(time.DateOnly)
	if _, err := m.put(ctx, s, map[string]any{"enabled": true, "startDate": earlier}); err != nil {
		return err
	}
	l.start, l.on = earlier, "on"
	l.said = append(l.said, "changed the start date to "+earlier, "switched synchronising on")
	return nil
}

// amidDelivery makes a change at a moment at which the target works on a request.
func amidDelivery(change func(context.Context, *stage, *merchant) error) func(context.Context, *stage, *merchant, *rand.Rand) error {
	return func(ctx context.Context, s *stage, m *merchant, _ *rand.Rand) error {
		for until := time.Now().Add(comingPatience); time.Now().Before(until); time.Sleep(comingPoll) {
			all := s.world.TrustFile.Requests(m.now().name())
			if slices.ContainsFunc(all, func(r sandbox.Request) bool { return r.Ended.IsZero() }) {
				return change(ctx, s, m)
			}
		}
		return errNeverCame
	}
}
