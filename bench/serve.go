package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// apiServer is a process that answers.
type apiServer struct {
	cmd     *exec.Cmd
	address string // host:port
	ready   time.Duration
	stop    func() error
}

func (s *apiServer) pid() int { return s.cmd.Process.Pid }

const (
	// startTime is how long a process may take before we give it up.
	startTime = 30 * time.Second
	// readyPoll is how often a process is asked whether it answers.
	readyPoll = 2 * time.Millisecond
)

// startServe starts the extractor's API and waits until it is healthy.
func (d *driver) startServe(ctx context.Context, database string, variables ...string) (*apiServer, error) {
	return d.startCommand(ctx, exec.Command(d.program, "serve"), append(d.variables(database), variables...))
}

// startCommand starts what answers GET /health at PORT.
func (d *driver) startCommand(ctx context.Context, cmd *exec.Cmd, variables []string) (*apiServer, error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	log := filepath.Join(d.folder, "serve.log")
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer out.Close() // the process has its own
	s := &apiServer{cmd: cmd, address: "127.0.0.1:" + port}
	cmd.Stdout, cmd.Stderr, cmd.Env = out, out, append(variables, "PORT="+port)
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	alive, ended := watch(ctx, cmd)
	s.stop = func() error { return said(drain(cmd, ended), log) }
	if err := healthy(alive, s.address); err != nil {
		return nil, errors.Join(said(err, log), s.stop())
	}
	s.ready = time.Since(begun)
	return s, nil
}

// said adds to an error what the process said last.
func said(err error, log string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w\n%s", err, tail(log))
}

// healthy waits until GET /health is answered with 200.
func healthy(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	ticks := time.NewTicker(readyPoll)
	defer ticks.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+healthPath, nil)
		if err != nil {
			return err
		}
		if res, err := http.DefaultClient.Do(req); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w", context.Cause(ctx))
		case <-ticks.C:
		}
	}
}

// freePort is a port that nobody uses just now.
func freePort(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// startReferenceAPI starts the reference server; stop ends it.
func startReferenceAPI(ctx context.Context, database string) (*apiServer, error) {
	cmd, err := self(ctx, verbReferenceAPI, nil)
	if err != nil {
		return nil, err
	}
	cmd.Stdin = nil
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &apiServer{cmd: cmd, stop: func() error { return errors.Join(in.Close(), cmd.Wait()) }}
	err = json.NewEncoder(in).Encode(referenceAPITask{Database: database})
	if err == nil {
		s.address, err = bufio.NewReader(out).ReadString('\n')
	}
	if s.address = strings.TrimSpace(s.address); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}
