package extractor

import (
	"sync"
	"time"

	"extractor/models"
)

// silentAfter is after how many pages in a row that a host let us wait for in
// vain it counts as silent: half of what one process has under way, so that
// some accounts that do not answer silence no host.
const silentAfter = 20

// silence knows, for this process alone, which hosts have ceased to answer. Each
// of their pages costs the longest wait there is, so that a host with many
// connections would keep all room from the others. A silent host is asked for
// one connection at a time, by each job, until one answer comes.
type silence struct {
	mu    sync.Mutex
	inRow map[string]int // pages in vain, by host
}

// note takes in how asking a host for a page ended.
func (s *silence) note(host string, vain bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inRow == nil {
		s.inRow = map[string]int{}
	}
	if vain {
		s.inRow[host]++
	} else {
		s.inRow[host] = 0
	}
}

// of reports whether a host is silent.
func (s *silence) of(host string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inRow[host] >= silentAfter
}

// inVain reports whether a page was waited for, and never came.
func (e *Engine) inVain(begun time.Time, err error) bool {
	if err == nil || time.Since(begun) < e.Timing.Silent {
		return false
	}
	kind := models.KindOf(err)
	return kind == models.Unavailable || kind == models.Unsure
}

// byVoice are the engine's hosts: those that answer, and those that are silent.
func (e *Engine) byVoice() (answering, silent []string) {
	for name := range e.Hosts {
		if e.silence.of(name) {
			silent = append(silent, name)
		} else {
			answering = append(answering, name)
		}
	}
	return answering, silent
}
