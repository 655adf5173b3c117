package rest

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	// largeAnswer is what an answer may have without asking for room: more than a
	// usual page of any host.
	largeAnswer = 4 << 20
	// largeRoom is what all answers above that may have together, in bytes, as long
	// as anybody still reads in them: enough for the largest one, and small beside a
	// 512 MB dyno. Many lanes at once could otherwise hold that much each.
	largeRoom = maxBody + 1
	// largePiece is how an answer of unknown length is read.
	largePiece = 1 << 20
	// roomPoll is how often the collector is told to look for answers that nobody
	// reads in any more, while somebody waits for room.
	roomPoll = 250 * time.Millisecond
)

// errNoRoom is the cause of a large answer that found no room in time.
var errNoRoom = errors.New("no room for a large answer")

// room is shared by the whole process, as its memory is.
var room = semaphore.NewWeighted(largeRoom)

// readLarge reads the rest of an answer that turned out large. Where its length
// is not known beforehand it takes all the room until it is read.
func readLarge(ctx context.Context, begin []byte, rest io.Reader, length int64) ([]byte, error) {
	size := int64(largeRoom)
	if length > int64(len(begin)) {
		size = min(size, length)
	}
	size, err := takeRoom(ctx, size)
	if err != nil {
		return nil, err
	}
	whole, err := readOn(begin, rest, length)
	held := min(size, int64(cap(whole)))
	room.Release(size - held)
	if err != nil {
		room.Release(held)
		return nil, err
	}
	// Records are pieces of the answer: only the collector knows when the last one is gone.
	runtime.AddCleanup(&whole[0], room.Release, held)
	return whole, nil
}

type togetherKey struct{}

// Together marks requests whose answers make one page. The first large one of
// them waits for room; the others do not, for the room they would wait for may
// be the first one's, which the page holds until it is whole.
func Together(ctx context.Context) context.Context {
	return context.WithValue(ctx, togetherKey{}, new(atomic.Bool))
}

// takeRoom waits for room and tells how much was taken: none where another answer
// of the same page has some.
func takeRoom(ctx context.Context, size int64) (int64, error) {
	page, _ := ctx.Value(togetherKey{}).(*atomic.Bool)
	if page == nil {
		page = new(atomic.Bool)
	}
	if room.TryAcquire(size) {
		page.Store(true)
		return size, nil
	}
	if page.Load() {
		return 0, nil
	}
	return waitForRoom(ctx, size, page)
}

// waitForRoom has the collector look meanwhile: what was given up is not free
// before it is collected, and nobody allocates while all wait.
func waitForRoom(ctx context.Context, size int64, page *atomic.Bool) (int64, error) {
	ctx, giveUp := context.WithCancel(ctx)
	defer giveUp()
	taken := make(chan error, 1)
	go func() { taken <- room.Acquire(ctx, size) }()
	ticks := time.NewTicker(roomPoll)
	defer ticks.Stop()
	for {
		select {
		case err := <-taken:
			if err != nil && page.Load() {
				return 0, nil
			}
			if err != nil {
				return 0, errors.Join(errNoRoom, err)
			}
			page.Store(true)
			return size, nil
		case <-ticks.C:
			if page.Load() { // by a request beside this one
				giveUp()
				continue
			}
			runtime.GC()
		}
	}
}

// readOn reads to the end, in one piece of memory where the length is known.
func readOn(begin []byte, rest io.Reader, length int64) ([]byte, error) {
	if length < int64(len(begin)) {
		return readPieces(begin, rest)
	}
	whole := make([]byte, length+1) // so that the end is seen
	n := copy(whole, begin)
	more, err := fill(whole[n:], rest)
	return whole[:n+more], err
}

// readPieces reads an answer of unknown length in pieces, which are then made one:
// memory that grew with it would be copied again and again, and all of it be left.
func readPieces(begin []byte, rest io.Reader) ([]byte, error) {
	for pieces, size := [][]byte{begin}, len(begin); ; {
		piece := make([]byte, largePiece)
		n, err := fill(piece, rest)
		if err != nil {
			return nil, err
		}
		pieces, size = append(pieces, piece[:n]), size+n
		if n == largePiece {
			continue
		}
		whole := make([]byte, 0, size)
		for _, piece := range pieces {
			whole = append(whole, piece...)
		}
		return whole, nil
	}
}

// fill reads until the memory is full or the end. io.ReadFull would not do: it
// tells an end that came too early by the same error.
func fill(memory []byte, rest io.Reader) (n int, err error) {
	for n < len(memory) && err == nil {
		var more int
		more, err = rest.Read(memory[n:])
		n += more
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}
