package rest

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"extractor/models"
)

// half is more than half of the room: two do not fit.
const half = largeRoom/2 + 1

// TestLargeAnswersTakeTurns: the second of two large answers is read when the
// first one is not needed any more; small ones never wait.
func TestLargeAnswersTakeTurns(t *testing.T) { // alone: the room is the process's
	for name, headed := range map[string]bool{"length known": true, "length unknown": false} {
		address := serve(t, func(w http.ResponseWriter, r *http.Request) {
			size, _ := strconv.Atoi(r.Header.Get("X-Size"))
			if headed {
				w.Header().Set("Content-Length", strconv.Itoa(size))
			}
			zeros(w, size)
		})
		first := sized(t, address, half)
		second := make(chan int, 1)
		go func() { second <- len(sized(t, address, half)) }()
		select {
		case <-second:
			t.Errorf("%s: both are held at once", name)
		case <-time.After(3 * roomPoll):
		}
		if small := sized(t, address, largeAnswer-1); len(small) != largeAnswer-1 {
			t.Errorf("%s: %d bytes", name, len(small))
		}
		runtime.KeepAlive(first)
		if n := <-second; n != half {
			t.Errorf("%s: %d bytes", name, n)
		}
	}
}

// TestLargeAnswersOfOnePageNeverWaitForEachOther: one after the other, and side
// by side, though they are more than the room together.
func TestLargeAnswersOfOnePageNeverWaitForEachOther(t *testing.T) { // alone: the room is the process's
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) { zeros(w, half) })
	ctx, stop := context.WithTimeout(Together(t.Context()), 20*roomPoll)
	defer stop()
	var page [3]*Answer
	var all sync.WaitGroup
	ask := func(i int) {
		var err error
		if page[i], err = caller().Send(ctx, http.MethodGet, address, nil, nil); err != nil || len(page[i].Body) != half {
			t.Errorf("answer %d: %v", i, err)
		}
	}
	for i := range 2 {
		all.Go(func() { ask(i) })
	}
	all.Wait()
	ask(2)
	runtime.KeepAlive(page)
}

func sized(t *testing.T, address string, size int) []byte {
	answer, err := caller().Send(t.Context(), http.MethodGet, address, http.Header{"X-Size": {strconv.Itoa(size)}}, nil)
	if err != nil {
		t.Error(err)
		return nil
	}
	return answer.Body
}

// TestALargeAnswerGivesItsRoomBack: also one that is too large, breaks off, or
// finds no room before its request ends.
func TestALargeAnswerGivesItsRoomBack(t *testing.T) { // alone: the room is the process's
	broken := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(half))
		zeros(w, half/2)
	})
	torn := serve(t, func(w http.ResponseWriter, _ *http.Request) { // its length is not told
		zeros(w, half)
		panic(http.ErrAbortHandler)
	})
	huge := serve(t, func(w http.ResponseWriter, _ *http.Request) { zeros(w, maxBody+1) })
	large := serve(t, func(w http.ResponseWriter, _ *http.Request) { zeros(w, half) })
	for _, address := range []string{broken, torn, huge} {
		_, err := caller().Send(t.Context(), http.MethodGet, address, nil, nil)
		fails(t, err, models.Unsure)
	}
	if _, err := takeRoom(t.Context(), largeRoom); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Second)
	defer stop()
	_, err := caller().Send(ctx, http.MethodGet, large, nil, nil)
	fails(t, err, models.Unsure)
	room.Release(largeRoom)
	if _, err := caller().Send(t.Context(), http.MethodGet, large, nil, nil); err != nil {
		t.Error(err)
	}
	if _, err := takeRoom(t.Context(), largeRoom); err != nil {
		t.Fatal(err)
	}
	room.Release(largeRoom)
}

// TestALargePackedAnswerIsWhole: its length is told packed, and it takes no more
// room than it needs once it is read.
func TestALargePackedAnswerIsWhole(t *testing.T) { // alone: the room is the process's
	var text bytes.Buffer
	for i := 0; text.Len() < 2*largeAnswer; i++ {
		text.WriteString(strconv.Itoa(i * i))
	}
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		z.Write(text.Bytes())
		z.Close()
	})
	answer, err := caller().Send(t.Context(), http.MethodGet, address, nil, nil)
	if err != nil || !bytes.Equal(answer.Body, text.Bytes()) {
		t.Fatalf("%v", err)
	}
	if !room.TryAcquire(largeRoom / 2) {
		t.Error("no room is left beside it")
	} else {
		room.Release(largeRoom / 2)
	}
	runtime.KeepAlive(answer)
}

// TestALargeAnswerLeavesLittleGarbage: also one whose length is not told.
func TestALargeAnswerLeavesLittleGarbage(t *testing.T) { // alone: it looks at the whole heap
	for name, length := range map[string]int64{"length known": half, "length unknown": -1} {
		body := io.LimitReader(endless{}, half-largeAnswer)
		begin := make([]byte, largeAnswer)
		before := allocated()
		whole, err := readOn(begin, body, length)
		if err != nil || len(whole) != half {
			t.Fatalf("%s: %d bytes, %v", name, len(whole), err)
		}
		if took := allocated() - before; took > 5*half/2 {
			t.Errorf("%s: %d bytes for %d", name, took, half)
		}
	}
}

// endless never ends, and gives little at a time.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return min(len(p), 1000), nil }

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
