package extractor

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"extractor/hostapi"
	"extractor/models"
)

// reading is one record as read, and what it means.
type reading struct {
	record  hostapi.Record
	items   []content
	refusal *models.Error // set: the record as a whole was refused
	// vanished: the host no longer has the record. It takes the version the
	// ledger holds, so that a record which comes back with a newer one counts.
	vanished bool
	repeated bool // the page holds the record once more, and that reading counts
	// unchanged: the ledger has the record just as it was read. It was asked before
	// anything was decided.
	unchanged bool
	named     string // see name
}

// name is the record's identity within its connection. It is asked for again and
// again, so it is made once.
func (r *reading) name() string {
	if r.named == "" {
		r.named = r.record.Kind + "/" + r.record.Key
	}
	return r.named
}

// content is an item in its canonical form: all that the ledger needs of it, and
// small, for thousands of them wait at a time.
type content struct {
	ref     models.Ref
	skip    string        // see models.Item
	amounts models.Shares // zero for an item without a sale
	payload []byte        // nil for an item without a sale
	hash    []byte
	day     string // merchant-local; "" = not known
}

// transform asks the host's adapter what each record means. A refused record
// is kept with its sentence; the others go on.
func (e *Engine) transform(host hostapi.Host, records []hostapi.Record) []reading {
	mapping := host.Info().Mapping
	readings := make([]reading, len(records))
	arena := make([]byte, 0, len(records)*512)
	for i, record := range records {
		readings[i] = e.read(host, record, mapping, &arena)
	}
	return readings
}

// read transforms one record.
func (e *Engine) read(host hostapi.Host, record hostapi.Record, mapping int, arena *[]byte) reading {
	r := reading{record: record}
	if r.refusal = takeable(&r.record); r.refusal != nil {
		return r
	}
	items, err := convert(host, record)
	if err != nil {
		r.refusal = refusalOf(err)
		return r
	}
	r.items = make([]content, 0, len(items))
	for _, item := range items {
		if err := e.Policy.Apply(&item); err != nil {
			return reading{record: r.record, refusal: refusalOf(err)}
		}
		if storable(item.Key) != item.Key { // of one that is left out, which the policy does not look at
			return reading{record: r.record, refusal: errUnnameable}
		}
		r.items = append(r.items, canonical(item, mapping, arena))
	}
	return r
}

// letGo drops the bodies of records that were understood: a page is large, and
// what it means is small. A refused record is kept.
func letGo(readings []reading) {
	for i := range readings {
		r := &readings[i]
		if r.refusal == nil {
			r.record.Body = nil
		} else {
			r.record.Body = bytes.Clone(r.record.Body) // without the rest of its page
		}
	}
}

const (
	// mostRecord is the largest record we read: many times the largest order that
	// hosts let a shop make. A list of two bytes an element becomes dozens of bytes each.
	mostRecord = 2 << 20
	// turnRecord is the size from which one record at a time is read in the whole
	// process: what becomes of it may be that much larger.
	turnRecord = 64 << 10
	// mostName is the longest key, kind or version, in bytes: the ledger's index
	// takes 2704 of all that name an entry.
	mostName = 512
)

// turns are taken by records larger than turnRecord.
var turns sync.Mutex

// takeable refuses a record that the ledger cannot name or that is too large to
// be read. The latter's body is not kept: who tries again asks the host.
func takeable(r *hostapi.Record) *models.Error {
	large := len(r.Body) > mostRecord
	if large {
		r.Body = nil
	}
	if refusal := nameable(r); refusal != nil || !large {
		return refusal
	}
	return models.Errorf(models.Refused, "This record is larger than %d MB, which is more than we can read. Split the order in the shop, or enter the sale by hand.", mostRecord>>20)
}

// nameable refuses a record whose key or version is no text that the ledger can
// keep, under a name that it can.
func nameable(r *hostapi.Record) *models.Error {
	plain := hostapi.Record{Kind: storable(r.Kind), Key: storable(r.Key), Version: storable(r.Version), Body: r.Body}
	if plain.Kind == r.Kind && plain.Key == r.Key && plain.Version == r.Version {
		return nil
	}
	*r = plain
	return errUnnameable
}

var errUnnameable = models.Errorf(models.Refused, "The id of this record is not plain text of a usual length, so it cannot be kept.")

// storable is s as Postgres takes it: valid UTF-8 without NUL, and not too long.
func storable(s string) string {
	if len(s) > mostName {
		s = strings.Clone(s[:mostName]) // without the rest in memory
	}
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// convert calls Transform and turns a panic in a mapping into a refusal: one
// odd record must not stop a merchant's other sales.
func convert(host hostapi.Host, record hostapi.Record) (items []models.Item, err error) {
	if len(record.Body) > turnRecord {
		turns.Lock()
		defer turns.Unlock()
	}
	defer func() {
		if p := recover(); p != nil {
			err = models.Errorf(models.Refused, "This record has a shape we did not foresee. Our operators see it in the log; nothing else is held up.").
				Because(fmt.Errorf("panic in the mapping: %v", p))
		}
	}()
	return host.Transform(record)
}

func refusalOf(err error) *models.Error {
	var known *models.Error
	if errors.As(err, &known) && known.Kind == models.Refused {
		return known
	}
	return models.Errorf(models.Refused, "This record could not be read.").Because(err)
}

// calendarDay is the day of a time, or "" when there is no such day: the date of
// what is left out was not checked by anyone.
func calendarDay(at models.LocalTime) string {
	day := at.Day()
	if d, err := time.Parse(time.DateOnly, day); err != nil || d.Year() < 1 {
		return ""
	}
	return day
}

// canonical fixes an item's bytes and their hash, which stand in the arena with
// what else the hash is of.
func canonical(item models.Item, mapping int, arena *[]byte) content {
	c := content{ref: item.Ref(), skip: item.Skip}
	start := len(*arena)
	b := binary.BigEndian.AppendUint64(*arena, uint64(mapping)) // #nosec G115 -- small, and never below zero
	b = append(append(b, item.Skip...), 0)
	if s := item.Sale; s != nil {
		body := len(b)
		b = s.AppendJSON(b)
		c.payload = b[body:len(b):len(b)]
		c.day = calendarDay(s.Date)
		c.amounts = models.Shares{SalesAmount: s.SalesAmount, SalesTax: s.SalesTax, ShippingAmount: s.ShippingAmount, ShippingTax: s.ShippingTax}
	}
	hash := sha256.Sum256(b[start:])
	*arena = append(b, hash[:]...)
	c.hash = (*arena)[len(b):len(*arena):len(*arena)]
	return c
}
