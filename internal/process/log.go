package process

import (
	"bytes"
	"io"
	"log/slog"
	"sync"
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
	lines chan []byte
	ended chan chan struct{}

	mu   sync.Mutex
	lost int // since the last line that found room
}

// NewLog is a Log to a writer. Close ends it.
func NewLog(to io.Writer) *Log {
	l := &Log{to: to, lines: make(chan []byte, logRoom), ended: make(chan chan struct{}, 1)}
	go l.run()
	return l
}

// Write takes one line. It never waits and never fails.
func (l *Log) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost > 0 && len(l.lines) < logRoom/2 { // else each line that finds room would come with a note
		l.lines <- note(l.lost)
		l.lost = 0
	}
	if l.lost > 0 || len(l.lines) == logRoom {
		l.lost++
	} else {
		l.lines <- bytes.Clone(line)
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
			_, _ = l.to.Write(line) // there is nowhere else to say that it fails
		case done := <-l.ended:
			for range len(l.lines) {
				_, _ = l.to.Write(<-l.lines)
			}
			if n := l.rest(); n > 0 {
				_, _ = l.to.Write(note(n))
			}
			close(done)
			return
		}
	}
}

// rest is how many lines were lost with none after them.
func (l *Log) rest() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost
}

// note is the line in place of those that were lost.
func note(lost int) []byte {
	var line bytes.Buffer
	slog.New(slog.NewJSONHandler(&line, nil)).Warn("lines of the log were lost here: nobody read them in time", "lines", lost)
	return line.Bytes()
}
