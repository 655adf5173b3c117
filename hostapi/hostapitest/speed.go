package hostapitest

import (
	"encoding/json"
	"syscall"
	"testing"
	"time"

	"extractor/internal/process"
)

// Speed measures what an adapter does for each order before the ledger: cutting
// a page, making records, and reading them. convert does that once for so many
// orders, which are all of texts. It reports orders per second of processor
// time, the garbage collector's included, which counts on a machine that others
// use as well; the collector is set as in the service. 60,000 are wanted.
//
// Before and after, encoding/json checks the same texts: nanoseconds a byte,
// which tell how fast the machine was meanwhile. make bench reads both metrics.
func Speed(b *testing.B, orders int, convert func(), texts ...[]byte) {
	b.Helper()
	size := 0
	for _, text := range texts {
		size += len(text)
	}
	process.RelaxCollector()
	b.SetBytes(int64(size))
	b.ReportAllocs()
	machine := pace(b, texts)
	before := processor(b)
	for b.Loop() {
		convert()
	}
	used := processor(b) - before
	b.ReportMetric(float64(b.N*orders)/used.Seconds(), "orders/cpu-s")
	b.ReportMetric(float64(size)/float64(orders), "B/order")
	b.ReportMetric((machine+pace(b, texts))/2, "valid-ns/B")
}

// paceFor is how long the machine's pace is taken: many times the kernel's
// smallest step of processor time, and little beside the benchmark.
const paceFor = 50 * time.Millisecond

// pace is how many nanoseconds encoding/json takes to check a byte of texts.
func pace(b *testing.B, texts [][]byte) float64 {
	b.Helper()
	var used time.Duration
	size, before := 0, processor(b)
	for ; used < paceFor; used = processor(b) - before {
		for _, text := range texts {
			if !json.Valid(text) {
				b.Fatal("what is converted is no JSON")
			}
			size += len(text)
		}
	}
	return float64(used) / float64(size)
}

// processor is the processor's time that this process has used.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
