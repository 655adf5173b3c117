package localpg

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// ours reports whether the process that the server's note names is alive and is
// this cluster's server: after a kill or a restart of the machine the number may
// belong to anything, another Postgres included.
func (c *cluster) ours(ctx context.Context) bool {
	lines := c.pidFile()
	if len(lines) == 0 {
		return false
	}
	pid, err := strconv.Atoi(lines[0])
	if err != nil || pid <= 1 || syscall.Kill(pid, 0) != nil {
		return false
	}
	if runtime.GOOS == "linux" {
		return c.worksIn(fmt.Sprintf("/proc/%d/cwd", pid))
	}
	name, err := exec.CommandContext(ctx, "ps", "-o", "comm=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && strings.Contains(string(name), "postgres")
}

// worksIn reports whether a process has its working folder, which a server
// keeps in its data folder, in ours.
func (c *cluster) worksIn(link string) bool {
	cwd, err := os.Readlink(link)
	if err != nil {
		return false
	}
	data, err := filepath.EvalSymlinks(c.path("data"))
	return err == nil && strings.TrimSuffix(cwd, " (deleted)") == data
}
