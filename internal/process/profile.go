//go:build profile

package process

import (
	"log/slog"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"
)

// profileVariable names the file that a CPU profile goes to, from the start of
// the process until it is asked to end. Only builds with the tag profile know it.
const profileVariable = "CPU_PROFILE"

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
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, os.Interrupt)
	go func() {
		<-end
		pprof.StopCPUProfile()
		_ = file.Close() // nobody can be told; what reads it says that it is torn
	}()
}
