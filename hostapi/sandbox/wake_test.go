package sandbox

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"extractor/hostapi"
	"extractor/models"
)

// TestOnlyTheHostWakes with a notice that the stand-in made itself.
func TestOnlyTheHostWakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := open(t, w.HostURL()).(hostapi.Waker)
	req, err := w.Notice(t.Context(), "http://localhost/webhooks/sandbox", "shop-3")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		t.Fatal(err)
	}
	notice, err := h.Wake(req, body)
	if err != nil || len(notice.Wake) != 1 || notice.Wake[0] != "shop-3" || len(notice.Privacy) != 0 {
		t.Errorf("%+v, %v", notice, err)
	}
	other := strings.ReplaceAll(string(body), "shop-3", "shop-1")
	if notice, err := h.Wake(req, []byte(other)); models.KindOf(err) != models.Unauthorised || len(notice.Wake) > 0 {
		t.Errorf("another account's name under the same signature: %+v, %v", notice, err)
	}
	nobody, err := w.Notice(t.Context(), "http://localhost/webhooks/sandbox", "")
	if err != nil {
		t.Fatal(err)
	}
	if body, err = io.ReadAll(nobody.Body); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Wake(nobody, body); models.KindOf(err) != models.Invalid {
		t.Errorf("a notice about nobody: %v", err)
	}
	if _, err := h.Wake(&http.Request{Header: http.Header{}}, body); models.KindOf(err) != models.Unauthorised {
		t.Errorf("no signature: %v", err)
	}
}
