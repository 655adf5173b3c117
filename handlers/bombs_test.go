package handlers

import (
	"io"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	// bombMemory is what the runtime is told to keep to while bombs arrive, and
	// bombMost is what may be alive for a moment: the smallest dyno has 512 MB.
	bombMemory = 200 << 20
	bombMost   = 300 << 20
	// bombsAtOnce is how many arrive side by side.
	bombsAtOnce = 50
)

// heapPeak is the largest heap while f runs, in bytes. With the limit set, the
// collector keeps garbage out of it.
func heapPeak(f func()) uint64 {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(bombMemory))
	done, peak := make(chan struct{}), make(chan uint64)
	go func() {
		var most uint64
		for {
			heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
			metrics.Read(heap)
			most = max(most, heap[0].Value.Uint64())
			select {
			case <-done:
				peak <- most
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	f()
	close(done)
	return <-peak
}

// manyNames is n bytes of name after name, each another one.
func manyNames(n int, before, after string) string {
	var b strings.Builder
	for i := 0; b.Len() < n-20; i++ {
		b.WriteString(before + strconv.FormatInt(int64(i), 36) + after)
	}
	return b.String()
}

// TestBombsFitIntoMemory: bodies that are made to grow while they are read, from
// anybody and from holders of a bearer, many at once.
func TestBombsFitIntoMemory(t *testing.T) { // alone: it measures the heap of the process
	d, b := newDoorway(t), newBell(t)
	for _, bomb := range []struct {
		name, address, kind, bearer string
		statuses                    []int
		body                        string
	}{
		{"form of many fields", d.url + "/oauth/shop/start", "application/x-www-form-urlencoded", "", []int{400, 404}, manyNames(bodyLimit, "", "&")},
		{"form of many parts", d.url + "/oauth/shop/again", "multipart/form-data; boundary=x", "", []int{400, 404, 429},
			manyNames(bodyLimit, "--x\r\nContent-Disposition: form-data; name=\"", "\"\r\n\r\n\r\n")},
		{"keys", d.url + "/oauth/keys/keys", "application/json", "", []int{400, 429}, "{" + manyNames(bodyLimit, `"`, `":1,`) + `"":1}`},
		{"notices that nobody signed", b.server.URL + "/webhooks/bell", "application/json", "", []int{401, 503}, strings.Repeat("[", webhookLimit)},
		{"object of many properties", b.server.URL + "/connections", "application/json", testBearer, []int{400}, "{" + manyNames(bodyLimit, `"`, `":1,`) + `"":1}`},
		{"deep object", b.server.URL + "/connections", "application/json", testBearer, []int{400}, strings.Repeat(`{"a":`, bodyLimit/5)},
		{"long list", b.server.URL + "/connections", "application/json", testBearer, []int{400}, `{"x":[` + strings.Repeat("0,", bodyLimit/2-10) + `0]}`},
	} {
		runtime.GC()
		answered := map[int]int{}
		peak := heapPeak(func() { answered = throw(t, bomb.address, bomb.kind, bomb.bearer, bomb.body) })
		t.Logf("%s: %d MiB at most, %v", bomb.name, peak>>20, answered)
		if peak > bombMost {
			t.Errorf("%s: %d MiB", bomb.name, peak>>20)
		}
		if answered[closedEarly] == bombsAtOnce {
			t.Errorf("%s: nothing was answered", bomb.name)
		}
		for _, status := range append(bomb.statuses, closedEarly) {
			delete(answered, status)
		}
		if len(answered) > 0 {
			t.Errorf("%s: also answered %v", bomb.name, answered)
		}
	}
}

// closedEarly stands for a refusal that was lost: who refuses a body before it
// has come closes the connection, and a sender that still sends may not read why.
const closedEarly = 0

// throw sends a body many times at once and counts the answers. A connection
// that was closed while the body was being sent counts as closedEarly.
func throw(t *testing.T, address, kind, bearer, body string) map[int]int {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	answered, mu, wg := map[int]int{}, sync.Mutex{}, sync.WaitGroup{}
	for range bombsAtOnce {
		wg.Go(func() {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(body))
			if err != nil {
				t.Error(err)
				return
			}
			req.Header.Set("Content-Type", kind)
			if bearer != "" {
				req.Header.Set("Authorization", "Bearer "+bearer)
			}
			status := closedEarly
			res, err := client.Do(req)
			if os.IsTimeout(err) {
				t.Error(err)
			} else if err == nil {
				_, _ = io.Copy(io.Discard, res.Body)
				res.Body.Close()
				status = res.StatusCode
			}
			mu.Lock()
			defer mu.Unlock()
			answered[status]++
		})
	}
	wg.Wait()
	return answered
}
