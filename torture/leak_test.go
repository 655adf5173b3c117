package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestALeakIsTold of files and goroutines, where both numbers are known.
func TestALeakIsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before, now holding
		bad         int
	}{
		"at rest":             {holding{20, 70}, holding{30, 80}, 0},
		"files":               {holding{20, 70}, holding{20 + fileRoom + 1, 70}, 1},
		"goroutines":          {holding{20, 70}, holding{20, 70 + goroutineRoom + 1}, 1},
		"not known":           {holding{}, holding{200, 700}, 0},
		"not known any more":  {holding{20, 70}, holding{}, 0},
		"both more than room": {holding{1, 1}, holding{500, 500}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checker := newChecker(&stage{})
			checker.grown("dyno-0", c.before, c.now)
			if len(checker.violations) != c.bad {
				t.Errorf("%v, want %d", checker.violations, c.bad)
			}
		})
	}
}

// TestALateAnswerIsJudged unless something explains it.
func TestALateAnswerIsJudged(t *testing.T) {
	t.Parallel()
	begin := time.Now()
	call := lateAnswer{"PUT", begin, begin.Add(answerLimit + time.Second)}
	for _, c := range []struct {
		cause side
		bad   int
	}{{sideAPI, 0}, {sideProcess, 0}, {sidePostgres, 1}, {sideLog, 1}} {
		s := &stage{consumer: &consumer{late: []lateAnswer{call}}}
		s.injected = []*fault{{side: c.cause, from: begin.Add(3 * time.Second), to: begin.Add(4 * time.Second)}}
		checker := newChecker(s)
		checker.answers()
		if len(checker.violations) != c.bad || checker.unjudged != 1-c.bad {
			t.Errorf("%s: %v, %d unjudged", c.cause, checker.violations, checker.unjudged)
		}
	}
}

// TestALogThatIsNotReadBlocksItsWriter, as the fault means it to, and loses nothing.
func TestALogThatIsNotReadBlocksItsWriter(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "log")
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	d := &drain{to: out}
	d.stalled.Lock()
	w, err := d.pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.SetWriteDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	n, err := w.Write(make([]byte, 1<<20))
	if !os.IsTimeout(err) {
		t.Errorf("%d bytes went into a pipe that nobody reads: %v", n, err)
	}
	d.stalled.Unlock()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	d.reading.Wait()
	if text, err := os.ReadFile(file); err != nil || len(text) != n {
		t.Errorf("%d bytes were read of %d: %v", len(text), n, err)
	}
}
