//go:build failpoints

// Package failpoint names places in the code at which a process may be made to
// fail on purpose; see make torture-failpoints.
package failpoint

import (
	"cmp"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// The variables that say where to fail. No other build reads them.
const (
	placeVariable  = "FAILPOINT"        // the place
	folderVariable = "FAILPOINT_FOLDER" // where it is noted what was done: each way once, by whichever process
	hangVariable   = "FAILPOINT_HANG"   // for how long a place hangs: longer than a lease
	waysVariable   = "FAILPOINT_WAYS"   // how it fails, separated by commas; empty: in all ways
)

// allWays are how a place fails, one after the other, each in another hit.
const allWays = "error,hang,kill"

var errHere = errors.New("a failpoint")

// Hit fails if the variables say so: it returns an error, stands still for
// longer than a lease and goes on, or ends the process.
func Hit(place string) error {
	if os.Getenv(placeVariable) != place {
		return nil
	}
	for way := range strings.SplitSeq(cmp.Or(os.Getenv(waysVariable), allWays), ",") {
		if !first(place, way) {
			continue
		}
		slog.Warn("failpoint", "place", place, "way", way)
		switch way {
		case "error":
			return errHere
		case "hang":
			pause, _ := time.ParseDuration(os.Getenv(hangVariable))
			time.Sleep(pause)
		case "kill":
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		return nil
	}
	return nil
}

// first notes that a place fails in a way, unless it did before.
func first(place, way string) bool {
	name := filepath.Join(os.Getenv(folderVariable), strings.ReplaceAll(place, " ", "-")+"."+way)
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return false
	}
	return f.Close() == nil
}
