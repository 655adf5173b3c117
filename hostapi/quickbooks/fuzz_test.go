package quickbooks

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"extractor/hostapi/hostapitest"
	"extractor/models"
)

func FuzzTransform(f *testing.F) { hostapitest.Fuzz(f, open(f, "http://127.0.0.1"), "testdata") }

// FuzzAddress: what is found was in the lines, and is a state with a ZIP code.
func FuzzAddress(f *testing.F) {
	for _, text := range []string{"A customer\n100 Main St\nMiddlefield, CA  94303", "Washington, D.C. 20001-1234\nUSA", "Albany, NY\n12207", ", , 12345", "\xff CA 94303"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a := address{Line1: text}
		got := a.plain()
		if got.State == "" {
			return
		}
		zip := strings.NewReplacer("-", "", " ", "").Replace(got.Zip)
		if models.StateCode(got.State) != got.State || len(zip) != 5 && len(zip) != 9 || strings.Trim(zip, "0123456789") != "" {
			t.Fatalf("%q became %+v", text, got)
		}
		plain := strings.Join(strings.Fields(text), " ")
		for _, part := range []string{got.Line1, got.City} {
			if part != "Washington" && !strings.Contains(plain, part) {
				t.Fatalf("%q became %+v", text, got)
			}
		}
	})
}

// FuzzWake: only the right signature wakes anybody, and ids are digits.
func FuzzWake(f *testing.F) {
	f.Add(sign("new-token", cloudEvents), cloudEvents)
	f.Add(sign("old-token", olderEvents), olderEvents)
	f.Add("", "")
	h := open(f, "http://127.0.0.1").(*host)
	f.Fuzz(func(t *testing.T, signature, body string) {
		r := notification("")
		r.Header["Intuit-Signature"] = []string{signature}
		_, err := h.Wake(r, []byte(body))
		given, bad := base64.StdEncoding.DecodeString(signature)
		right := bad == nil && (base64.StdEncoding.EncodeToString(given) == sign("new-token", body) || base64.StdEncoding.EncodeToString(given) == sign("old-token", body))
		if right == (models.KindOf(err) == models.Unauthorised && err != nil) {
			t.Fatalf("right %v: %v", right, err)
		}
		got, err := h.Wake(notification(sign("new-token", body)), []byte(body))
		if err != nil && models.KindOf(err) != models.Invalid {
			t.Fatal(err)
		}
		for _, id := range got.Wake {
			if !realmID.MatchString(id) {
				t.Fatalf("%q", id)
			}
		}
	})
}

// FuzzSplit: a page is cut into documents that are JSON, or refused as a whole.
func FuzzSplit(f *testing.F) {
	f.Add([]byte(`{"QueryResponse":{"Invoice":[{"Id":"1","SyncToken":"0","MetaData":{"LastUpdatedTime":"2026-03-05T10:00:00-08:00"}}],"startPosition":1},"time":""}`))
	f.Add([]byte(`{"QueryResponse":{}}`))
	f.Add([]byte(`{"CDCResponse":[{"QueryResponse":[{"Invoice":[{"Id":1,"status":"Deleted"}]},{}]}]}`))
	invoice, _ := entityOf("Invoice")
	f.Fuzz(func(t *testing.T, page []byte) {
		l, err := splitQuery(page, invoice)
		changed, err2 := splitChanges(page)
		var things []listed // of an answer that is none, nothing is used
		if err == nil {
			things = append(things, l.things...)
		}
		if err2 == nil {
			things = append(things, changed...)
		}
		if !json.Valid(page) { // what was passed over may be odd, and is read by nobody
			return
		}
		for _, thing := range things {
			if r := thing.record; !json.Valid(r.Body) || len(r.Version) != len(version(thing.at, "", false)) || !strings.HasPrefix(r.Key, r.Kind+"-") {
				t.Fatalf("%+v", r)
			}
		}
	})
}
