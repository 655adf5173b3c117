package hostapitest

import (
	"syscall"
	"testing"
	"time"
)

// Speed measures what an adapter does for each order before the ledger: cutting
// a page of so many orders and bytes, making records, and reading them; that is
// what convert does once. It reports orders per second of processor time, the
// garbage collector's included, which counts on a machine that others use as
// well. make bench reads that metric; 60,000 on one core are wanted.
func Speed(b *testing.B, orders, bytes int, convert func()) {
	b.Helper()
	b.SetBytes(int64(bytes))
	b.ReportAllocs()
	before := processor(b)
	for b.Loop() {
		convert()
	}
	used := processor(b) - before
	b.ReportMetric(float64(b.N*orders)/used.Seconds(), "orders/cpu-s")
	b.ReportMetric(float64(bytes)/float64(orders), "B/order")
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
