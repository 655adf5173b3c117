package models

// EntryState is where an entry of the ledger stands.
type EntryState string

// The states of an entry.
const (
	EntryPending EntryState = "pending" // wanted at the target, not there yet
	EntrySent    EntryState = "sent"    // the target took this content
	EntrySkipped EntryState = "skipped" // known and not wanted there; see its reason
	EntryBad     EntryState = "bad"     // refused by us or by the target; see bad_items
)

// KindRecord marks a record that yielded no item at all, so that its version is remembered.
const KindRecord = "record"

// SkipBeforeStart is the reason of entries whose day lies before the start
// date; an earlier start date makes them pending.
const SkipBeforeStart = "before start date"
