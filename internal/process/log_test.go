package process

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// TestALogThatNobodyReadsHoldsNothingUp: neither a line nor the end of the process.
func TestALogThatNobodyReadsHoldsNothingUp(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	l := NewLog(w)
	begun := time.Now()
	const lines = 4 * logRoom // of which a pipe holds some thousand
	for i := range lines {
		if n, err := fmt.Fprintf(l, "line %d\n", i); err != nil || n == 0 {
			t.Fatal(n, err)
		}
	}
	if took := time.Since(begun); took > time.Second {
		t.Errorf("%d lines took %s", lines, took)
	}
	begun = time.Now()
	if err := l.Close(); err != nil || time.Since(begun) > 2*logPatience {
		t.Errorf("the end took %s, %v", time.Since(begun), err)
	}
	go func() { time.Sleep(100 * time.Millisecond); _ = w.Close() }()
	all := bufio.NewScanner(r)
	next := 0
	for ; all.Scan(); next++ {
		if lost := lostBy(all.Text()); lost > 0 {
			next += lost - 1
		} else if all.Text() != fmt.Sprint("line ", next) {
			t.Fatalf("%q in place of line %d", all.Text(), next)
		}
	}
	if next < logRoom {
		t.Errorf("only %d lines came", next)
	}
}

// lostBy is how many lines a line says were lost; 0: it is one itself.
func lostBy(line string) (lost int) {
	if _, told, found := strings.Cut(line, `"lines":`); found {
		_, _ = fmt.Sscan(strings.TrimRight(told, "}\n"), &lost) // 0 is told by who asks
	}
	return lost
}

// TestALogSaysWhatItLost, once it is read again, and loses nothing else.
func TestALogSaysWhatItLost(t *testing.T) {
	t.Parallel()
	to := &gate{open: make(chan struct{})}
	l := NewLog(to)
	for i := range 2 * logRoom {
		fmt.Fprintf(l, "line %d\n", i)
	}
	close(to.open)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	text := to.text.String()
	kept := strings.Count(text, "line ")
	lost := lostBy(text)
	if kept < logRoom || lost == 0 || kept+lost != 2*logRoom {
		t.Errorf("%d lines kept, %d told as lost, of %d", kept, lost, 2*logRoom)
	}
}

// gate is a writer that stands still until it is opened.
type gate struct {
	open chan struct{}
	text strings.Builder
}

func (g *gate) Write(line []byte) (int, error) {
	<-g.open
	return g.text.Write(line)
}
