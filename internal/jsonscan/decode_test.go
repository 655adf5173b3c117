package jsonscan

import (
	"bytes"
	"runtime"
	"testing"
)

// TestUnmarshalKeepsNoLargeText: not even for the next one.
func TestUnmarshalKeepsNoLargeText(t *testing.T) { // alone: it looks at the whole heap
	text := append(bytes.Repeat([]byte(" "), 8*largeText), `{"a":7}`...)
	kept := heap()
	var read struct{ A int }
	if err := Unmarshal(text, &read); err != nil || read.A != 7 {
		t.Fatalf("%+v, %v", read, err)
	}
	if more := heap() - kept; more > largeText {
		t.Errorf("%d bytes are kept", more)
	}
	runtime.KeepAlive(text)
	if err := Unmarshal(text[:len(text)-1], &read); err == nil {
		t.Error("a torn text was read")
	}
}

// heap is what lives.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) // #nosec G115 -- far below 2^63
}
