package targetapitest

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"extractor/models"
	"extractor/targetapi"
)

// holds asks a target about an item in every state it can be in there.
func (s Suite) holds(t *testing.T) {
	if _, ok := s.Open(t, "http://127.0.0.1:1").(targetapi.Looker); !ok {
		t.Skip("the target cannot be asked")
	}
	item := s.Item(0)
	changed := changedSale(item)
	for _, c := range []struct {
		name   string
		answer Response
		want   bool
	}{
		{"as sent", s.Stored(&item), true},
		{"other amount", s.Stored(&changed), false},
		{"not there", s.Stored(nil), false},
	} {
		if have, err := s.ask(t, c.answer, item); err != nil || have != c.want {
			t.Errorf("%s: holds %v, %v", c.name, have, err)
		}
	}
	for status, kind := range map[int]models.Kind{401: models.Unauthorised, 429: models.Throttled, 503: models.Unsure} {
		if have, err := s.ask(t, Response{Status: status}, item); have || models.KindOf(err) != kind {
			t.Errorf("status %d: holds %v, %v", status, have, err)
		}
	}
}

func changedSale(item models.Item) models.Item {
	sale := *item.Sale
	sale.SalesTax++
	item.Sale = &sale
	return item
}

func (s Suite) ask(t *testing.T, r Response, item models.Item) (bool, error) {
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if requests++; requests > 1 || req.Method != http.MethodGet {
			t.Errorf("request %d is a %s", requests, req.Method)
		}
		r.write(w)
	}))
	defer server.Close()
	return s.Open(t, server.URL).(targetapi.Looker).Holds(t.Context(), account, item)
}
