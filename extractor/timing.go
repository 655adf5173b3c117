package extractor

import (
	"time"

	"extractor/models"
)

// The engine's timers. Those that tests shorten are in Timing.
const (
	softStop = 20 * time.Second / models.Pace // jobs may go on that long after SIGTERM; the dyno is killed at 30 s
	hardStop = 3 * time.Second / models.Pace  // and then this long to notice that they were cancelled

	sliceTime  = 30 * time.Second / models.Pace // a job works so long before it makes room for others
	jobTimeout = 60 * time.Second / models.Pace // a slice plus the page or delivery (25 s) it is in the middle of
	rescueTime = 90 * time.Second / models.Pace // River calls a job lost after that: above jobTimeout

	// leaseTime is how long a claimed lane is out of others' reach without a
	// commit: above the slowest page (25 s) and delivery (25 s) with their commits.
	leaseTime = 75 * time.Second / models.Pace

	// startGrace is how long after the fenced mark a request to the target may
	// still start; later the mark is void and is taken anew.
	startGrace = 5 * time.Second / models.Pace
	// postingTime is how long a request to the target may take from its mark:
	// startGrace and the HTTP client's 25 s.
	postingTime = 30 * time.Second / models.Pace

	// quietTime is how long newer content waits for late copies of older content.
	quietTime = models.QuietTime

	tokenDoubt = 30 * time.Second / models.Pace              // a second 401 this long after the first one pauses the service
	targetHour = time.Hour / models.Pace / models.Pace       // the contract: a target that is silent for an hour stops the connector
	probeEvery = 5 * time.Minute / models.Pace / models.Pace // how often our own pauses are tested

	// pageTime is what a page may take at the least: one that was cut off sooner,
	// by the end of its job, says nothing about the host.
	pageTime = 25 * time.Second / models.Pace

	// silentTime is the least that a page without an answer takes for its host to
	// count as silent: quick refusals keep no room from other hosts.
	silentTime = 5 * time.Second / models.Pace

	// previewTime is how long a preview reads: a person waits for it, and the
	// handler ends after 20 s.
	previewTime = 15 * time.Second

	sweepEvery = time.Second / models.Pace // a nudge comes at once; this finds due times, and what nobody nudged for
	careEvery  = time.Minute / models.Pace // nobody waits for the housekeeping by the second

	backoffFirst = time.Second / models.Pace                    // first wait after a failure
	resendFirst  = 5 * time.Second / models.Pace                // first wait after a delivery without a clear answer: a target that is slow needs air
	backoffMost  = 15 * time.Minute / models.Pace / models.Pace // longest wait: no longer than the usual interval

	payloadDays = 30 // delivered payloads lose their street lines after that
)

// Timing holds what tests need to shorten.
type Timing struct {
	Sweep  time.Duration // see sweepEvery
	Care   time.Duration // see careEvery
	Lease  time.Duration // see leaseTime
	Quiet  time.Duration // see quietTime
	Doubt  time.Duration // see tokenDoubt
	Hour   time.Duration // see targetHour
	Probe  time.Duration // see probeEvery
	First  time.Duration // see backoffFirst
	Resend time.Duration // see resendFirst
	Page   time.Duration // see pageTime
	Silent time.Duration // see silentTime
	Wake   time.Duration // see wakeEvery
	Anew   time.Duration // least wait before a window begins anew, so that one that never ends costs little

	Preview time.Duration // see previewTime
	Beat    time.Duration // see beatEvery
}

func (t Timing) orDefaults() Timing {
	def := Timing{
		Sweep: sweepEvery, Care: careEvery, Lease: leaseTime, Quiet: quietTime, Doubt: tokenDoubt,
		Hour: targetHour, Probe: probeEvery, First: backoffFirst, Resend: resendFirst, Page: pageTime, Silent: silentTime, Wake: wakeEvery, Anew: backoffMost,
		Preview: previewTime, Beat: beatEvery,
	}
	for _, p := range []struct{ have, def *time.Duration }{
		{&t.Sweep, &def.Sweep}, {&t.Care, &def.Care}, {&t.Lease, &def.Lease}, {&t.Quiet, &def.Quiet}, {&t.Doubt, &def.Doubt},
		{&t.Hour, &def.Hour}, {&t.Probe, &def.Probe}, {&t.First, &def.First}, {&t.Resend, &def.Resend},
		{&t.Page, &def.Page}, {&t.Silent, &def.Silent}, {&t.Wake, &def.Wake}, {&t.Anew, &def.Anew}, {&t.Preview, &def.Preview}, {&t.Beat, &def.Beat},
	} {
		if *p.have == 0 {
			*p.have = *p.def
		}
	}
	return t
}
