package sandbox

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"
)

// maxControlBody is the largest body of a control call: a list of some 100,000 ids.
const maxControlBody = 4 << 20

// answer writes v as JSON.
func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may be gone; nothing is to be done about it
}

// refuse writes a sentence for a person.
func refuse(w http.ResponseWriter, status int, sentence string) {
	answer(w, status, map[string]string{"message": sentence})
}

// read decodes the body of a control call into v; an empty body leaves v alone.
// It answers 400 and returns false when the body cannot be read.
func read(w http.ResponseWriter, r *http.Request, v any) bool {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxControlBody))
	if err == nil && len(body) > 0 {
		err = json.Unmarshal(body, v)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "The body cannot be read: "+err.Error())
	}
	return err == nil
}

// wait waits, and reports whether the client is still there afterwards.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// hangUp cuts the connection without an answer.
func hangUp() { panic(http.ErrAbortHandler) }

// writeBody writes a finished JSON body.
func writeBody(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}
