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
func startSimulators(ctx context.Context, sizes []int) (w *world, stop func() error, err error) {
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
	w = new(world)
	if err := errors.Join(json.NewEncoder(in).Encode(sizes), json.NewDecoder(out).Decode(w)); err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	return w, stop, nil
}

// build compiles the extractor as it is shipped.
func build(ctx context.Context, folder string) (program string, err error) {
	program = filepath.Join(folder, "extractor")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", program, ".")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return program, nil
}

// drain asks a process to stop and waits for it.
func drain(cmd *exec.Cmd) error {
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	late := time.AfterFunc(drainTime, func() { _ = cmd.Process.Kill() }) // Wait tells
	defer late.Stop()
	return cmd.Wait()
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
// ended included.
func treeCPU(root int) (time.Duration, error) {
	own, err := statOf(root)
	if err != nil {
		return 0, err
	}
	sum := own.cpu + own.children
	folders, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, err
	}
	for _, folder := range folders {
		pid, _ := strconv.Atoi(filepath.Base(folder))
		if s, err := statOf(pid); err == nil && s.parent == root { // one that is gone by now is in children next time
			sum += s.cpu
		}
	}
	return sum, nil
}
