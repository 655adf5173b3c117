package main

import (
	"maps"
	"slices"
	"sync"

	"extractor/models"
	"extractor/sandbox"
)

// amounts are the four amounts of an item: sales, its tax, shipping, its tax.
type amounts [4]models.Amount

// key names an item at the target.
type key struct {
	id     string
	refund bool
}

func (k key) String() string {
	if k.refund {
		return "refund " + k.id
	}
	return "sale " + k.id
}

// seen is the host's own word, after each change, on what each item is: the
// versions that were ever true, oldest first.
type seen struct {
	mu    sync.Mutex
	items map[string]map[key][]amounts // by account
}

func newSeen() *seen { return &seen{items: map[string]map[key][]amounts{}} }

// look asks the host what is true now.
func (s *seen) look(host *sandbox.Host, account string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := truth(host, account)
	all := s.items[account]
	if all == nil {
		all = map[key][]amounts{}
		s.items[account] = all
	}
	for k, e := range now {
		if last := all[k]; len(last) == 0 || last[len(last)-1] != amountsOf(e) {
			all[k] = append(last, amountsOf(e))
		}
	}
	for k, versions := range all { // what the host has no longer counts as nothing
		if _, there := now[k]; !there && versions[len(versions)-1] != (amounts{}) {
			all[k] = append(versions, amounts{})
		}
	}
}

// of is a copy of an account's items with their versions.
func (s *seen) of(account string) map[key][]amounts {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := maps.Clone(s.items[account])
	for k, v := range all {
		all[k] = slices.Clone(v)
	}
	return all
}

func amountsOf(e sandbox.Expected) amounts {
	return amounts{e.SalesAmount, e.SalesTax, e.ShippingAmount, e.ShippingTax}
}

// truth is what the target should hold of an account, as the host says now.
func truth(host *sandbox.Host, account string) map[key]sandbox.Expected {
	all := map[key]sandbox.Expected{}
	for _, order := range host.Truth(account) {
		for _, e := range order.Expected {
			all[key{e.ItemID, e.Refund}] = e
		}
	}
	return all
}
