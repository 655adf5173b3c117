// Package process holds the manners of a process that a platform starts, stops
// and gives a limited memory.
package process

import (
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

const (
	// memoryShare is what the Go heap may take of the machine's memory before
	// the collector works harder: the rest is for the program itself, the kernel, and
	// what comes in faster than it collects, some 100 MB under the worst answers.
	memoryShare = 0.65
	// smallestDyno is assumed where the platform does not tell its limit.
	smallestDyno = 512 << 20
	// implausible limits are those by which a kernel says that there is none.
	implausible = 1 << 50
)

// limitFiles are where the kernel tells a container's memory: cgroup 2, cgroup 1.
var limitFiles = []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}

// LimitMemory tells the runtime how much memory the dyno has, unless GOMEMLIMIT
// says so or this is no dyno. It returns the limit in bytes; 0 = left alone.
func LimitMemory() int64 {
	if os.Getenv("GOMEMLIMIT") != "" || os.Getenv("DYNO") == "" {
		return 0
	}
	limit := int64(memoryShare * float64(available(limitFiles)))
	debug.SetMemoryLimit(limit)
	return limit
}

// collectorPercent lets the heap grow to four times what is live before it is
// collected: pages are large and short-lived, what lives is small.
const collectorPercent = 300

// RelaxCollector trades memory for processor time, unless GOGC says what to do.
func RelaxCollector() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectorPercent)
	}
}

// available is the least limit that any of the files tells.
func available(files []string) int64 {
	least := int64(math.MaxInt64)
	for _, name := range files {
		b, err := os.ReadFile(name) // #nosec G304 -- one of limitFiles
		if err != nil {
			continue
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64); err == nil && n > 0 {
			least = min(least, n)
		}
	}
	if least > implausible {
		return smallestDyno
	}
	return least
}
