package extractor

import (
	"context"
	"encoding/binary"
	"io"
	"time"

	"github.com/jackc/pgx/v5"
)

// copySQL is how new entries come into the ledger. Their columns stand as
// appendRow writes them.
const copySQL = `COPY entries (connection_id, kind, key, record, version, state, reason, hash, day,
	sales_amount, sales_tax, shipping_amount, shipping_tax, payload, reverses) FROM STDIN (FORMAT binary)`

const (
	copyColumns = 15
	// copyHeader begins Postgres's binary format: its signature, no flags, no extension.
	copyHeader = "PGCOPY\n\xff\r\n\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00"
	// copyEnd is where a row would tell its number of columns.
	copyEnd = "\xff\xff"
	// nullField is the length of a field that is null.
	nullField = "\xff\xff\xff\xff"
	// rowSize is more than nearly all rows take.
	rowSize = 2 << 10
)

// dateEpoch is the day from which Postgres counts days, 2000-01-01, in Unix time.
const (
	dateEpoch    = 946_684_800
	secondsOfDay = 24 * 60 * 60
)

// copyRows gives entries as rows of a binary COPY. It is written by hand because
// every item of every merchant passes here.
type copyRows struct {
	connection int64
	entries    []*entry
	row        []byte // memory of the row under way
	left       []byte // what of it is still to be read
	ended      bool
}

// copyEntries writes new entries.
func copyEntries(ctx context.Context, tx pgx.Tx, connection int64, entries []*entry) error {
	rows := &copyRows{connection: connection, entries: entries, row: make([]byte, 0, rowSize), left: []byte(copyHeader)}
	_, err := tx.Conn().PgConn().CopyFrom(ctx, rows, copySQL)
	return err
}

// Read implements io.Reader: whole rows as long as there is room.
func (c *copyRows) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(c.left) == 0 && !c.next() {
			return n, io.EOF
		}
		taken := copy(p[n:], c.left)
		c.left = c.left[taken:]
		n += taken
	}
	return n, nil
}

// next makes the next row, or what ends them all.
func (c *copyRows) next() bool {
	switch {
	case len(c.entries) > 0:
		c.row = appendRow(c.row[:0], c.connection, c.entries[0])
		c.left, c.entries = c.row, c.entries[1:]
	case !c.ended:
		c.left, c.ended = []byte(copyEnd), true
	default:
		return false
	}
	return true
}

// appendRow appends an entry as copySQL wants it.
func appendRow(b []byte, connection int64, e *entry) []byte {
	b = binary.BigEndian.AppendUint16(b, copyColumns)
	b = appendInteger(b, connection)
	for _, s := range [...]string{e.Kind, e.Key, e.Record, e.Version, string(e.State)} {
		b = appendField(b, s)
	}
	b = appendFieldOrNull(b, e.Reason)
	b = appendBytes(b, e.Hash)
	b = appendDate(b, e.Day)
	for _, amount := range [...]int64{int64(e.Sales), int64(e.SalesTax), int64(e.Shipping), int64(e.ShippingTax)} {
		b = appendInteger(b, amount)
	}
	b = appendBytes(b, e.Payload)
	return appendFieldOrNull(b, e.Reverses)
}

func appendInteger(b []byte, n int64) []byte {
	b = binary.BigEndian.AppendUint32(b, 8)
	return binary.BigEndian.AppendUint64(b, uint64(n))
}

// appendField appends text or bytes.
func appendField[T string | []byte](b []byte, v T) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(v))) // #nosec G115 -- a page is far below 4 GB
	return append(b, v...)
}

// appendFieldOrNull appends text; null when it is empty.
func appendFieldOrNull(b []byte, s string) []byte {
	if s == "" {
		return append(b, nullField...)
	}
	return appendField(b, s)
}

// appendBytes appends text or bytes; null when they are nil.
func appendBytes(b, v []byte) []byte {
	if v == nil {
		return append(b, nullField...)
	}
	return appendField(b, v)
}

// appendDate appends a day; null when it is none.
func appendDate(b []byte, day string) []byte {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return append(b, nullField...)
	}
	b = binary.BigEndian.AppendUint32(b, 4)
	days := (t.Unix() - dateEpoch) / secondsOfDay
	return binary.BigEndian.AppendUint32(b, uint32(int32(days))) // #nosec G115 -- years have four digits
}
