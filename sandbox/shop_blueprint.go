package sandbox

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Orders are made by the hundred thousand, so their text is not kept: an order
// is an id, two instants and a blueprint, and its text is the blueprint's with
// the gaps filled in. That costs little more than copying it.

// The gaps of a blueprint's text.
const (
	gapID      = "@id@"
	gapCreated = "@created@"
	gapUpdated = "@updated@"
	gapShop    = "@shop@"
	gapZone    = "@zone@"
)

// Kinds of order that a mix may ask for; the rest are plain sales.
const (
	kindPlain      = ""
	kindRefunded   = "refunded"   // given back whole, by lines
	kindPartly     = "partly"     // given back in part, an amount only
	kindCancelled  = "cancelled"  //
	kindTest       = "test"       //
	kindPending    = "pending"    //
	kindDigital    = "digital"    // nothing shipped: a billing address only
	kindPickup     = "pickup"     // collected at the shop
	plainVariety   = 128          // blueprints of plain sales: enough that neighbours differ, small in memory
	specialVariety = 8            // blueprints of each other kind
	blueprintSeed  = 0x5EED_0F_A5 // all worlds share their blueprints
)

var specialKinds = []string{kindRefunded, kindPartly, kindCancelled, kindTest, kindPending, kindDigital, kindPickup}

// blueprint is an order without its id and instants.
type blueprint struct {
	document document
	text     []string // what lies between the gaps; one more than gaps
	gaps     []string
}

// newBlueprints makes the blueprints of every kind.
func newBlueprints() map[string][]*blueprint {
	all := map[string][]*blueprint{}
	random := rand.New(rand.NewPCG(blueprintSeed, 1)) // #nosec G404 -- as in shop_orders.go
	for range plainVariety {
		all[kindPlain] = append(all[kindPlain], newBlueprint(newDocument(random, kindPlain)))
	}
	for _, kind := range specialKinds {
		for range specialVariety {
			all[kind] = append(all[kind], newBlueprint(newDocument(random, kind)))
		}
	}
	return all
}

// newBlueprint cuts the document's text at its gaps.
func newBlueprint(d document) *blueprint {
	text, err := json.Marshal(d)
	if err != nil {
		panic(err) // the document is ours
	}
	b := &blueprint{document: d}
	rest := string(text)
	for {
		at, gap := nextGap(rest)
		if gap == "" {
			b.text = append(b.text, rest)
			return b
		}
		b.text, b.gaps = append(b.text, rest[:at]), append(b.gaps, gap)
		rest = rest[at+len(gap):]
	}
}

// nextGap finds the first gap in text.
func nextGap(text string) (at int, gap string) {
	at = len(text)
	for _, g := range []string{gapID, gapCreated, gapUpdated, gapShop, gapZone} {
		if i := strings.Index(text[:at], g); i >= 0 {
			at, gap = i, g
		}
	}
	return at, gap
}

// filling is what goes into the gaps.
type filling struct{ id, created, updated, shop, zone string }

func (f *filling) of(gap string) string {
	switch gap {
	case gapID:
		return f.id
	case gapCreated:
		return f.created
	case gapUpdated:
		return f.updated
	case gapShop:
		return f.shop
	}
	return f.zone
}

// appendTo appends the order's text to buf.
func (b *blueprint) appendTo(buf []byte, f *filling) []byte {
	for i, gap := range b.gaps {
		buf = append(buf, b.text[i]...)
		buf = append(buf, f.of(gap)...)
	}
	return append(buf, b.text[len(b.gaps)]...)
}

// fill makes a document of its own of the blueprint.
func (b *blueprint) fill(f *filling) *document {
	var d document
	if err := json.Unmarshal(b.appendTo(nil, f), &d); err != nil {
		panic(fmt.Errorf("a blueprint is not an order: %w", err))
	}
	return &d
}

// UnmarshalText reads a decimal of cents.
func (m *money) UnmarshalText(text []byte) error {
	a, err := parseMoney(string(text))
	*m = a
	return err
}

func stamp(ms int64) string { return time.UnixMilli(ms).UTC().Format(stampLayout) }
