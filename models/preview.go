package models

import (
	"errors"
	"time"
)

// ErrPreviewBusy is the cause of an error of kind Throttled that is no host's
// doing: previews are under way already.
var ErrPreviewBusy = errors.New("previews are under way")

// Preview is what a sync from a start date on would send to the target.
type Preview struct {
	StartDate time.Time // midnight UTC of the merchant-local day
	Stopped   string    // why not all was read, in a sentence; "" = all was
	// What is to be sent: New is what the target has nothing of, Changed what it
	// has in another form.
	New, Changed int64
	Unchanged    int64           // what the target has as it should
	Months       []PreviewMonth  // of what is to be sent, oldest first
	Items        []Item          // the first of what is to be sent
	Bad          []PreviewReason // records and items that are refused, the most frequent reason first
	Skipped      []PreviewReason // items that are left out
}

// PreviewMonth is a merchant-local month of transactions. In Sum refunds count
// negative, and Items are both.
type PreviewMonth struct {
	Month          string // "2006-01"
	Sales, Refunds int64
	Sum
}

// PreviewReason is a reason and how often there was it.
type PreviewReason struct {
	Reason string
	Count  int64
}
