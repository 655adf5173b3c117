package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	// loopback: a stand-in believes everyone, so only this machine may ask it.
	loopback = "127.0.0.1"
	// startTime is for a start: WireMock takes some seconds on a busy machine.
	startTime = time.Minute
	lookEvery = 100 * time.Millisecond
	// endTime is for a stand-in to stop by itself; then it is killed.
	endTime = 10 * time.Second
)

// process is a stand-in that runs.
type process struct {
	address string
	log     string
	cmd     *exec.Cmd
	ended   chan struct{} // closed when it has ended; cmd.ProcessState says how
}

// start starts the stand-in and waits until it answers.
func (s standIn) start(ctx context.Context, folder string) (*process, error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	words, err := s.command(folder, port)
	if err != nil {
		return nil, err
	}
	p := &process{address: net.JoinHostPort(loopback, port), log: filepath.Join(folder, "log"), ended: make(chan struct{})}
	out, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer out.Close() // the process has its own
	p.cmd = exec.Command(words[0], words[1:]...)
	p.cmd.Stdout, p.cmd.Stderr = out, out
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait() // ProcessState tells it, too
		close(p.ended)
	}()
	if err := p.answers(ctx, s.ready); err != nil {
		return nil, errors.Join(err, p.end())
	}
	return p, nil
}

// freePort is one that nobody listens on right now.
func freePort(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", loopback+":0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// answers waits until the process answers at path, in whatever way; one that
// ended does not keep us waiting.
func (p *process) answers(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		if p.asked(ctx, path) {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("it ended at its start, %v:\n%s", p.cmd.ProcessState, p.said())
		case <-ctx.Done():
			return fmt.Errorf("it does not answer: %w\n%s", ctx.Err(), p.said())
		case <-time.After(lookEvery):
		}
	}
}

func (p *process) asked(ctx context.Context, path string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.address+path, nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	return res.Body.Close() == nil
}

// said is what the process printed.
func (p *process) said() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// end stops the process, which nobody else has an interest in.
func (p *process) end() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.ended: // by our signal, so its status says nothing
		return nil
	case <-time.After(endTime):
		return p.cmd.Process.Kill()
	}
}

// goTest runs the tests that ask a stand-in. They must have run: a skipped test
// here is a mistake.
func goTest(ctx context.Context, tests, variable string) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-v", "-run", "^TestMock", tests)
	cmd.Env = append(os.Environ(), variable)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	fmt.Print(out.String())
	if err != nil {
		return err
	}
	return ranAll(out.String())
}

func ranAll(said string) error {
	if strings.Contains(said, "--- SKIP") {
		return errors.New("a test was skipped")
	}
	if !strings.Contains(said, "--- PASS") {
		return errors.New("no test ran")
	}
	return nil
}
