package quickbooks

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"extractor/models"
)

// entity is a kind of document, and of record.
type entity struct {
	name   string // QuickBooks' own
	words  string // for people
	item   string // what it becomes
	credit bool   // it is settled later, by a payment
}

// entities are all that count, in the order in which they are listed.
var entities = []entity{
	{"SalesReceipt", "Sales receipt", models.KindSale, false},
	{"Invoice", "Invoice", models.KindSale, true},
	{"RefundReceipt", "Refund receipt", models.KindRefund, false},
	{"CreditMemo", "Credit memo", models.KindRefund, true},
}

func entityOf(name string) (entity, bool) {
	for _, e := range entities {
		if e.name == name {
			return e, true
		}
	}
	return entity{}, false
}

// following is the entity that is listed after another; "" after the last.
func following(name string) string {
	for i := range entities[:len(entities)-1] {
		if entities[i].name == name {
			return entities[i+1].name
		}
	}
	return ""
}

// keyOf is the record's key: ids alone may repeat from entity to entity, and a
// record has to be found by its key alone. A document without an id is named by
// its content, so that it can be set aside.
func (e entity) keyOf(id string, body []byte) string {
	if id == "" {
		sum := sha256.Sum256(body)
		id = "unreadable-" + hex.EncodeToString(sum[:8])
	}
	return e.name + "-" + id
}

// idOf is the id in a key; it becomes part of a query, so only digits are one.
func idOf(key string) (e entity, id string, ok bool) {
	name, id, _ := strings.Cut(key, "-")
	e, ok = entityOf(name)
	return e, id, ok && realmID.MatchString(id)
}
