package sandbox

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"time"

	fastjson "github.com/goccy/go-json"
)

// maxBatchBody is the largest body of a POST of items.
const maxBatchBody = 8 << 20

// maxLate bounds how long a late batch may wait to be applied.
const maxLate = 10 * time.Minute

// postItems answers POST …/connections/{id}/items.
func (t *TrustFile) postItems(routing bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		b := t.book(r.PathValue("id"))
		request := b.begin()
		defer b.end(request)
		body, err := io.ReadAll(io.LimitReader(r.Body, maxBatchBody))
		if err != nil {
			return // the client is gone
		}
		p := &posting{t: t, w: w, r: r, b: b, request: request}
		if routing && !namesConsumer(body) {
			p.reject([]complaint{{"required", ".consumerSystem", "is a required property", routingConsumer, nil}})
			return
		}
		p.take(body)
	}
}

func namesConsumer(body []byte) bool {
	var b struct {
		Consumer string `json:"consumerSystem"`
	}
	return fastjson.Unmarshal(body, &b) == nil && b.Consumer == routingConsumer
}

// posting is one POST of items being worked on.
type posting struct {
	t       *TrustFile
	w       http.ResponseWriter
	r       *http.Request
	b       *book
	request *Request
	items   []item
	raw     [][]byte
}

// take checks the body, applies it and answers, unless a fault does otherwise.
func (p *posting) take(body []byte) {
	items, raw, complaints := readBatch(body)
	p.items, p.raw = items, bytesOf(raw)
	p.b.note(func() { p.request.Items = len(raw) })
	if p.misbehave() {
		return
	}
	if complaints == nil {
		complaints = p.blame()
	}
	if complaints != nil {
		p.reject(complaints)
		return
	}
	p.apply(len(items))
	p.accept(len(items))
}

func bytesOf(raw []fastjson.RawMessage) [][]byte {
	all := make([][]byte, len(raw))
	for i := range raw {
		all[i] = raw[i]
	}
	return all
}

// blame is what a fault finds wrong with good items.
func (p *posting) blame() (complaints []complaint) {
	_, _ = p.t.faults.take(func(f *Fault) bool {
		if f.Kind != FaultRefuse || !f.concerns(p.b.id) {
			return false
		}
		complaints = f.blame(p.items)
		return complaints != nil
	})
	return complaints
}

// apply takes the first n items into the book.
func (p *posting) apply(n int) { p.b.apply(p.request, p.items[:n], p.raw[:n]) }

// status notes the answer's status.
func (p *posting) status(code int) { p.b.note(func() { p.request.Status = code }) }

// accept answers 200.
func (p *posting) accept(processed int) {
	p.status(http.StatusOK)
	answer(p.w, http.StatusOK, map[string]any{"processed": processed, "dateTime": now()})
}

// reject answers 400: nothing was taken.
func (p *posting) reject(complaints []complaint) {
	p.status(http.StatusBadRequest)
	answer(p.w, http.StatusBadRequest, map[string]any{"processed": 0, "dateTime": now(), "errors": complaints})
}

func now() string { return time.Now().UTC().Format(time.RFC3339) }

// misbehave lets a fault act, and reports whether it has dealt with the request.
func (p *posting) misbehave() bool {
	f, ok := p.t.faults.take(func(f *Fault) bool {
		return f.concerns(p.b.id) && f.Kind != FaultRefuse && (f.Kind != FaultTooLarge || len(p.items) > f.Limit) &&
			(f.Kind != FaultLate || len(f.Items) == 0 || slices.ContainsFunc(p.items, f.names))
	})
	if !ok {
		return false
	}
	p.b.note(func() { p.request.Fault = f.Kind })
	switch f.Kind {
	case FaultSlow:
		return !wait(p.r.Context(), f.Delay())
	case FaultTimeout:
		p.apply(len(p.items))
		wait(p.r.Context(), f.Delay())
		hangUp()
	case FaultLate:
		time.AfterFunc(min(f.Delay(), maxLate), func() { p.apply(len(p.items)) })
		hangUp()
	case FaultPartial:
		p.apply(len(p.items) / 2)
		p.accept(len(p.items) / 2)
	default:
		p.answerFault(f)
	}
	return true
}

// answerFault answers with the status the fault is named after.
func (p *posting) answerFault(f Fault) {
	switch f.Kind {
	case FaultToken:
		p.status(http.StatusUnauthorized)
	case FaultUnknown:
		p.status(http.StatusNotFound)
	case FaultTooLarge:
		p.status(http.StatusRequestEntityTooLarge)
	case FaultThrottle:
		p.status(http.StatusTooManyRequests)
	case FaultHTML:
		p.status(http.StatusOK)
	default:
		p.status(http.StatusInternalServerError)
	}
	answerTargetFault(p.w, f)
}

func answerTargetFault(w http.ResponseWriter, f Fault) {
	switch f.Kind {
	case FaultToken:
		refuse(w, http.StatusUnauthorized, "You are not authorized")
	case FaultUnknown:
		refuse(w, http.StatusNotFound, "No such connection")
	case FaultTooLarge:
		refuse(w, http.StatusRequestEntityTooLarge, "Too large")
	default:
		answerFault(w, f)
	}
}

// concerns reports whether the fault is about items of this connection.
func (f *Fault) concerns(connectionID string) bool {
	return f.Door == "" && (f.ConnectionID == "" || f.ConnectionID == connectionID)
}

// failed lets the faults that concern reading act, too: a bad bearer, an
// unknown connection, a fault of its own.
func (t *TrustFile) failed(w http.ResponseWriter, r *http.Request, id string) bool {
	f, ok := t.faults.look(func(f *Fault) bool {
		return f.concerns(id) && slices.Contains([]string{FaultToken, FaultUnknown, FaultError, FaultSlow}, f.Kind)
	})
	if !ok {
		return false
	}
	if f.Kind == FaultSlow {
		return !wait(r.Context(), f.Delay())
	}
	answerTargetFault(w, f)
	return true
}

// getItem answers GET …/items/{itemId}: the sale and the refund of that id.
func (t *TrustFile) getItem(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if t.failed(w, r, id) {
		return
	}
	found := t.book(id).find(r.PathValue("itemId"))
	if len(found) == 0 {
		refuse(w, http.StatusNotFound, "No such item")
		return
	}
	answer(w, http.StatusOK, map[string][]json.RawMessage{"items": found})
}
