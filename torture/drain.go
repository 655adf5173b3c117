package main

import (
	"context"
	"math/rand/v2"
	"os"
	"sync"
	"syscall"
)

// drain reads what the processes in one place log, and writes it into a file, as
// a platform's log drain does. It may stop reading for a while.
type drain struct {
	to      *os.File
	stalled sync.Mutex // locked while nothing is read
	reading sync.WaitGroup
}

// pipeRoom is the least a pipe may hold: a process soon notices that nobody reads.
const pipeRoom = 4096

// pipe is for a process to write into. Its end closes it.
func (d *drain) pipe() (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	narrow(w)
	d.reading.Go(func() { d.read(r) })
	return w, nil
}

func (d *drain) read(r *os.File) {
	defer r.Close()
	part := make([]byte, pipeRoom)
	for {
		d.stalled.Lock()
		d.stalled.Unlock() //nolint:staticcheck // only waited for: several may read at once
		n, err := r.Read(part)
		if _, failed := d.to.Write(part[:n]); err != nil || failed != nil {
			return
		}
	}
}

// narrow makes a pipe small, where the system can; elsewhere it holds 64 KB.
func narrow(f *os.File) {
	const setSize = 1031 // F_SETPIPE_SZ of Linux
	if raw, err := f.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _, _, _ = syscall.Syscall(syscall.SYS_FCNTL, fd, setSize, pipeRoom) })
	}
}

// stallLogs has nobody read what a process logs, for a while.
func stallLogs(_ context.Context, s *stage, _ step, r *rand.Rand) func() {
	d := pickOf(r, s.dynos)
	if !d.drain.stalled.TryLock() {
		return nil
	}
	return d.drain.stalled.Unlock
}
