package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// termLimit is what a process has to end after SIGTERM: the platform's 30 s, at
// the pace of the torture build, and a busy machine's seconds.
const termLimit = 10 * time.Second

// stackTime is what it has then to write down what each goroutine waits for.
const stackTime = time.Second

// dyno is a place for a process of the extractor: when one is killed, the next
// is started in it, as platforms do.
type dyno struct {
	name    string
	program string
	verb    string
	env     []string
	log     string
	drain   *drain // writes the log
	web     string // base address of its API; "" = a worker

	database, host, target, api *wire // its wires

	mu      sync.Mutex
	cmd     *exec.Cmd
	done    chan struct{}
	frozen  bool
	wantsUp bool
}

// start starts a process unless one runs.
func (d *dyno) start() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wantsUp = true
	if d.running() {
		return nil
	}
	out, err := d.drain.pipe()
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.Command(d.program, d.verb)
	cmd.Env, cmd.Stdout, cmd.Stderr = d.env, out, out
	if err := cmd.Start(); err != nil {
		return err
	}
	d.cmd, d.done, d.frozen = cmd, make(chan struct{}), false
	go func(done chan struct{}) {
		_ = cmd.Wait() // ProcessState tells
		close(done)
	}(d.done)
	return nil
}

// running reports whether a process lives; d.mu is held.
func (d *dyno) running() bool {
	if d.cmd == nil {
		return false
	}
	select {
	case <-d.done:
		return false
	default:
		return true
	}
}

// signal sends a signal to the process, if there is one.
func (d *dyno) signal(sig syscall.Signal) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.running() {
		return false
	}
	d.frozen = sig == syscall.SIGSTOP || d.frozen && sig != syscall.SIGCONT
	return d.cmd.Process.Signal(sig) == nil
}

// kill ends the process without a word.
func (d *dyno) kill() bool {
	if !d.signal(syscall.SIGKILL) {
		return false
	}
	<-d.done
	return true
}

// term asks the process to end and says what was wrong with how it did. It has
// to end in time always, and with success when its neighbours are well.
func (d *dyno) term(clean bool) error {
	begin := time.Now()
	if !d.signal(syscall.SIGTERM) {
		return nil
	}
	select {
	case <-d.done:
	case <-time.After(termLimit):
		d.signal(syscall.SIGQUIT) // its log tells what it waits for
		time.Sleep(stackTime)
		d.kill()
		return fmt.Errorf("%s did not end within %s of SIGTERM", d.name, termLimit)
	}
	if clean && !d.cmd.ProcessState.Success() {
		return fmt.Errorf("%s ended %s after SIGTERM with %s", d.name, time.Since(begin).Round(time.Millisecond), d.cmd.ProcessState)
	}
	return nil
}

// revive starts the process again if it should be there and is not, as
// platforms do with one that ends.
func (d *dyno) revive() error {
	d.mu.Lock()
	dead := d.wantsUp && !d.running()
	d.mu.Unlock()
	if !dead {
		return nil
	}
	return d.start()
}

// run runs a program to its end.
func run(ctx context.Context, program string, args []string, env ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", filepath.Base(program), strings.Join(args, " "), err, out)
	}
	return nil
}

// build compiles the extractor with the timers of the harness.
func build(ctx context.Context, folder string, tags ...string) (program string, err error) {
	tags = append([]string{"torture"}, tags...)
	program = filepath.Join(folder, "extractor-"+strings.Join(tags, "-"))
	err = run(ctx, "go", []string{"build", "-tags", strings.Join(tags, ","), "-o", program, "."})
	return program, err
}

// endAll ends every process of a schedule, frozen ones too.
func endAll(dynos []*dyno) (all error) {
	for _, d := range dynos {
		d.mu.Lock()
		d.wantsUp = false
		d.mu.Unlock()
		d.signal(syscall.SIGCONT)
	}
	errs := make(chan error, len(dynos))
	for _, d := range dynos {
		go func() { errs <- d.term(true) }()
	}
	for range dynos {
		all = errors.Join(all, <-errs)
	}
	for _, d := range dynos {
		d.drain.reading.Wait()
	}
	return all
}
