//go:build profile

package process

import (
	"log/slog"
	"os"
	"runtime/pprof"
)

// profileVariable names the file that a CPU profile goes to, from the start of
// the process until its end. Only builds with the tag profile know it.
const profileVariable = "CPU_PROFILE"

var profile *os.File

func init() {
	name := os.Getenv(profileVariable)
	if name == "" {
		return
	}
	file, err := os.Create(name) // #nosec G304 G703 -- named by who measures
	if err == nil {
		err = pprof.StartCPUProfile(file)
	}
	if err != nil {
		slog.Error("no profile", "error", err)
		os.Exit(1)
	}
	profile = file
}

// EndProfile writes the profile down, if there is one. It is called once, at the
// very end: written beside the end of everything else it was often torn.
func EndProfile() {
	if profile != nil {
		pprof.StopCPUProfile()
		_ = profile.Close() // nobody can be told; what reads it says that it is torn
	}
}
