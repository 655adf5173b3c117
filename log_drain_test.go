package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"extractor/internal/pgtest"
)

// manyRequests log more lines than any pipe holds.
const manyRequests = 1500

// TestALogThatNobodyReadsStopsNoRequest of the program as it is run: what logs
// into a pipe that is full would wait until somebody reads.
func TestALogThatNobodyReadsStopsNoRequest(t *testing.T) {
	setAll(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	port := freePort(t)
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), filepath.Join(buildProgram(t), "extractor"), "serve")
	cmd.Env = append(os.Environ(), "DATABASE_URL="+pgtest.URL(t), "PORT="+port, "WORKERS=0", "LOG_LEVEL=info")
	cmd.Stderr = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	_ = w.Close() // ours; the process has its own
	awaitOK(t, "http://127.0.0.1:"+port+"/health")
	client := &http.Client{Timeout: 5 * time.Second}
	for i := range manyRequests {
		res, err := client.Get("http://127.0.0.1:" + port + "/nothing")
		if err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
	begun := time.Now()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || time.Since(begun) > 10*time.Second {
		t.Errorf("ended after %s: %v", time.Since(begun), err)
	}
}

// awaitOK waits until an address answers with 200.
func awaitOK(t *testing.T, address string) {
	t.Helper()
	for end := time.Now().Add(startLimit); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if res, err := http.Get(address); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}
	}
	t.Fatal("it does not answer")
}
