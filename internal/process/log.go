package process

import (
	"bytes"
	"io"
	"log/slog"
	"sync/atomic"
	"time"
)

const (
	// logRoom is how many lines wait for a reader that is slow: half a minute of a
	// busy process, some megabytes.
	logRoom = 8192
	// logPatience is how long the end of a process waits for its last lines to be
	// read: the platform's 30 s are for the work.
	logPatience = 2 * time.Second
)

// Log passes lines on to a writer that may be slow or stand still, such as a
// pipe that nobody reads. No line waits for it: those for which there is no room
// are lost, and how many they were is told in their place.
type Log struct {
	to    io.Writer
	own   *slog.Logger // straight to the writer
	lines chan []byte
	lost  atomic.Int64
	ended chan chan struct{}
}

// NewLog is a Log to a writer. Close ends it.
func NewLog(to io.Writer) *Log {
	l := &Log{to: to, own: slog.New(slog.NewJSONHandler(to, nil)), lines: make(chan []byte, logRoom), ended: make(chan chan struct{}, 1)}
	go l.run()
	return l
}

// Write takes one line. It never waits and never fails.
func (l *Log) Write(line []byte) (int, error) {
	select {
	case l.lines <- bytes.Clone(line):
	default:
		l.lost.Add(1)
	}
	return len(line), nil
}

// Close waits until the lines so far are passed on, or for two seconds. It is
// called once; what is written later is lost.
func (l *Log) Close() error {
	done := make(chan struct{})
	l.ended <- done
	select {
	case <-done:
	case <-time.After(logPatience):
	}
	return nil
}

func (l *Log) run() {
	for {
		select {
		case line := <-l.lines:
			l.pass(line)
		case done := <-l.ended:
			for range len(l.lines) {
				l.pass(<-l.lines)
			}
			l.confess()
			close(done)
			return
		}
	}
}

// pass writes a line. What was lost until now came after the lines that waited.
func (l *Log) pass(line []byte) {
	_, _ = l.to.Write(line) // there is nowhere else to say that it fails
	if len(l.lines) == 0 {
		l.confess()
	}
}

func (l *Log) confess() {
	if n := l.lost.Swap(0); n > 0 {
		l.own.Warn("lines of the log were lost: nobody read them in time", "lines", n)
	}
}
