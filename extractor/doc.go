// Package extractor is the way from the hosts to the target.
//
//	hostapi.Host ── page ──► accept ──► transform ──► ledger ══ commit ══► Page.Done
//	                                                    │
//	                                   undelivered entries ──► deliver ──► settle
//
// Read the files in this order:
//
//	lease.go      work is claimed by a lease on a lane's row; every commit is fenced
//	pulls.go      one job looks at many connections for news
//	still.go      those that have none are settled together
//	silent.go     a host that does not answer leaves room for the others
//	past.go       how many lanes of the past are under way, and when they commit
//	window.go     a window of the past is cut, so that all lanes have one
//	extract.go    a slice of a lane: page after page until its time is up
//	transform.go  what a record means; what is refused is kept with its sentence
//	decide.go     a pure comparison of what was read with what the ledger holds
//	takeback.go   what to do about items the host no longer has
//	unchanged.go  of what is read again, nearly nothing changed: that is told first
//	ledger.go     one transaction: entries, bad items, tallies, cursor, due times
//	deliver.go    the oldest undelivered entries, one batch in flight per connection
//	settle.go     what the target's answer means for the ledger
//	verify.go     items whose delivery had no clear answer are read back
//	reconcile.go  the host's days once more, by another road
//	reactions.go  the one table from kind of error to what we do about it
//	care.go       housekeeping: tokens kept alive, pauses probed, payloads dropped
//	jobs.go       River: the jobs are nudges, the truth is in the tables
//
// What the ledger promises: an entry is one thing at the target, named by
// connection, kind and key. A reading with an older version never replaces a
// newer one; the same content is never sent twice; content that changed is sent
// again as an update; what vanished is taken back. A merchant's period is
// closed on PERIOD_CLOSE_DAY of the following month; what is first seen or
// changes after that is marked for review, except history that was asked for
// by a start date in the past.
package extractor
