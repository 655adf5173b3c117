package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	megabyte = 1 << 20
	// clockTick is the unit of times in /proc: USER_HZ, 100 on every Linux that Go runs on.
	clockTick = time.Second / 100
	// drainTime is how long the extractor may take to stop: it promises 25 s.
	drainTime = 30 * time.Second
)

// usage is what a process took from the machine.
type usage struct {
	cpu time.Duration
	rss int64 // most memory at a time, bytes
}

func usageOf(state *os.ProcessState) usage {
	u := usage{cpu: state.UserTime() + state.SystemTime()}
	if r, ok := state.SysUsage().(*syscall.Rusage); ok {
		u.rss = r.Maxrss << 10 // Linux counts kilobytes
	}
	return u
}

// self runs another part of this program; in goes to its standard input.
func self(ctx context.Context, verb string, in any) (*exec.Cmd, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program, verb)
	cmd.Stderr = os.Stderr
	text, err := json.Marshal(in)
	cmd.Stdin = bytes.NewReader(text)
	return cmd, err
}

// startSimulators starts them; stop ends them.
func startSimulators(ctx context.Context, has stock) (w *world, stop func() error, err error) {
	cmd, err := self(ctx, verbSimulate, nil)
	if err != nil {
		return nil, nil, err
	}
	cmd.Stdin = nil
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	stop = func() error { return errors.Join(in.Close(), cmd.Wait()) }
	w = &world{pid: cmd.Process.Pid}
	if err := errors.Join(json.NewEncoder(in).Encode(has), json.NewDecoder(out).Decode(w)); err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	return w, stop, nil
}

// build compiles a program of ours as it is shipped, but for the tags.
func build(ctx context.Context, folder, source string, tags ...string) (program string, err error) {
	program, err = filepath.Abs(source)
	if err != nil {
		return "", err
	}
	program = filepath.Join(folder, filepath.Base(program))
	args := []string{"build", "-o", program}
	if len(tags) > 0 {
		args = append(args, "-trimpath", "-tags", strings.Join(tags, ",")) // a profile holds the sources' paths
	}
	cmd := exec.CommandContext(ctx, "go", append(args, source)...) // #nosec G204 -- ours
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return program, nil
}

// errEnded is why nobody need wait any longer for what a process does.
var errEnded = errors.New("the process ended by itself")

// watch waits for a process that was started. alive is done when it ends; ended
// then gets what Wait said.
func watch(ctx context.Context, cmd *exec.Cmd) (alive context.Context, ended <-chan error) {
	alive, end := context.WithCancelCause(ctx)
	told := make(chan error, 1)
	go func() {
		told <- cmd.Wait()
		end(errEnded)
	}()
	return alive, told
}

// drain asks a process to stop and waits for it.
func drain(cmd *exec.Cmd, ended <-chan error) error {
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	late := time.AfterFunc(drainTime, func() { _ = cmd.Process.Kill() }) // Wait tells
	defer late.Stop()
	return <-ended
}

// tail is the end of a file, for the person who asks why.
func tail(file string) string {
	const most = 4000
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	if size, err := f.Seek(0, io.SeekEnd); err == nil && size > most {
		_, _ = f.Seek(-most, io.SeekEnd)
	} else {
		_, _ = f.Seek(0, io.SeekStart)
	}
	text, _ := io.ReadAll(f)
	return string(text)
}

// stat is what /proc tells of a process.
type stat struct {
	parent   int
	cpu      time.Duration // its own
	children time.Duration // of those that ended
}

func statOf(pid int) (stat, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	// The second field is the name in parentheses and may hold anything.
	_, rest, _ := strings.Cut(string(text[bytes.LastIndexByte(text, ')')+1:]), " ")
	fields := strings.Fields(rest)
	if len(fields) < 15 {
		return stat{}, errors.New("/proc tells too little")
	}
	n := func(i int) time.Duration {
		ticks, _ := strconv.ParseInt(fields[i], 10, 64)
		return time.Duration(ticks) * clockTick
	}
	parent, err := strconv.Atoi(fields[1])
	return stat{parent: parent, cpu: n(11) + n(12), children: n(13) + n(14)}, err
}

// treeCPU is what a process and all its children have used so far, those that
// ended included. One that ends while we look would be missed, so then we look again.
func treeCPU(root int) (time.Duration, error) {
	before, err := statOf(root)
	for err == nil {
		var living time.Duration
		var after stat
		if living, err = childrenCPU(root); err != nil {
			break
		}
		if after, err = statOf(root); err == nil && after.children == before.children {
			return after.cpu + after.children + living, nil
		}
		before = after
	}
	return 0, err
}

// childrenCPU is what the living children of a process have used.
func childrenCPU(parent int) (sum time.Duration, err error) {
	folders, err := filepath.Glob("/proc/[0-9]*")
	for _, folder := range folders {
		pid, _ := strconv.Atoi(filepath.Base(folder))
		if s, err := statOf(pid); err == nil && s.parent == parent {
			sum += s.cpu
		}
	}
	return sum, err
}

// machineCPU is what all programs of the machine have used so far.
func machineCPU() (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(line) // cpu user nice system idle iowait irq softirq steal …
	if len(fields) < 9 {
		return 0, errors.New("/proc/stat tells too little")
	}
	var sum time.Duration
	for _, i := range []int{1, 2, 3, 6, 7, 8} {
		ticks, _ := strconv.ParseInt(fields[i], 10, 64)
		sum += time.Duration(ticks) * clockTick
	}
	return sum, nil
}

// residentPeak is the most memory that a process had at a time, in kilobytes.
func residentPeak(pid int) (kilobytes int, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	_, err = fmt.Sscan(rest, &kilobytes)
	return kilobytes, err
}
