package shopify

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"extractor/hostapi"
	"extractor/models"
)

// busyShop is a shop with so many orders that they are read from a file.
func busyShop(t testing.TB, n int) (*fakeShopify, []string) {
	f := &fakeShopify{t: t}
	var keys []string
	for i := 1; i <= n; i++ {
		o := fakeOrder(i, 0,
			fakeAgreement(10*i, 0, "ORDER", fakeLine("PRODUCT", "108.25", "8.25"), fakeLine("SHIPPING", "5.41", "0.41")),
			fakeAgreement(10*i+1, 1, "REFUND", fakeLine("PRODUCT", "-54.13", "-4.13")))
		o["updatedAt"] = window.From.Add(window.To.Sub(window.From) * time.Duration(i-1) / time.Duration(n)).Format(time.RFC3339)
		f.orders, keys = append(f.orders, o), append(keys, fmt.Sprint(i))
	}
	slices.Sort(keys)
	return f, keys
}

func backfillAll(t *testing.T, h *host, a hostapi.Account) []hostapi.Record {
	return readAll(t, func(c hostapi.Cursor) (*hostapi.Page, error) { return h.Backfill(t.Context(), a, window, c) })
}

// Children are scattered over the file, and still each order is whole: the
// same items come out as by Pull.
func TestAFileBringsWhatPagesBring(t *testing.T) {
	t.Parallel()
	f, keys := busyShop(t, fewOrders+1)
	f.orders[7]["agreements"] = longOrder()
	h, a := counter(t, f)
	records := backfillAll(t, h, a)
	if got := keysOf(records); !slices.Equal(got, keys) {
		t.Fatalf("%d orders", len(got))
	}
	if f.calls["StartBulk"] != 1 || f.calls["Orders"] != 0 {
		t.Errorf("%v", f.calls)
	}
	pulled := map[string]hostapi.Record{}
	for _, r := range readAll(t, func(c hostapi.Cursor) (*hostapi.Page, error) { return h.Pull(t.Context(), a, window, c) }) {
		pulled[r.Key] = r
	}
	for _, r := range records {
		want := pulled[r.Key]
		got, same := asText(t, itemsOf(t, h, r)), asText(t, itemsOf(t, h, want))
		if r.Version != want.Version || r.Kind != want.Kind || got != same {
			t.Fatalf("order %s: %s, by pages %s", r.Key, got, same)
		}
	}
}

func asText(t *testing.T, items []models.Item) string {
	t.Helper()
	b, err := json.Marshal(items)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A part can be read again, alone, by a process that knows the cursor only.
func TestAPartIsReadAgainAfterAKill(t *testing.T) {
	t.Parallel()
	f, keys := busyShop(t, 2*partOrders+10)
	h, a := counter(t, f)
	var from hostapi.Cursor
	var all []hostapi.Record
	parts := 0
	for {
		page, err := h.Backfill(t.Context(), a, window, from)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Records) > 0 {
			parts++
			again, err := open(t, f.address).(*host).Backfill(t.Context(), a, window, from)
			if err != nil || asRecords(page.Records) != asRecords(again.Records) || again.Next != page.Next {
				t.Fatalf("the part differs: %v", err)
			}
			if len(page.Records) > partOrders+partOrders/5 {
				t.Errorf("a part of %d orders", len(page.Records))
			}
		}
		all = append(all, page.Records...)
		if !page.More {
			break
		}
		from = page.Next
	}
	if got := keysOf(all); !slices.Equal(got, keys) || parts != 3 || f.calls["StartBulk"] != 1 || f.calls["file"] != 12 {
		t.Errorf("%d orders in %d parts, %v", len(got), parts, f.calls)
	}
}

func asRecords(records []hostapi.Record) string {
	var b strings.Builder
	for _, r := range records {
		fmt.Fprintln(&b, r.Key, r.Version, string(r.Body))
	}
	return b.String()
}

func TestTooMuchForOneFileIsHalved(t *testing.T) {
	t.Parallel()
	f, _ := busyShop(t, mostOrders+1)
	h, a := counter(t, f)
	page, err := h.Backfill(t.Context(), a, window, "")
	if err != nil || page.Wait != bulkWait || len(page.Records) > 0 {
		t.Fatalf("%+v, %v", page, err)
	}
	var p piece
	if err := json.Unmarshal([]byte(page.Next), &p); err != nil || !p.From.Equal(window.From) || !p.To.Equal(window.From.Add(12*time.Hour)) || p.Bulk == "" {
		t.Errorf("%s, %v", page.Next, err)
	}
	for !p.From.Equal(p.To) && page.More && p.From.Equal(window.From) {
		if page, err = h.Backfill(t.Context(), a, window, page.Next); err != nil {
			t.Fatal(err)
		}
		p = piece{}
		if err := json.Unmarshal([]byte(page.Next), &p); err != nil {
			t.Fatal(err)
		}
	}
	if want := window.From.Add(12 * time.Hour); !p.From.Equal(want) || !p.To.IsZero() {
		t.Errorf("the second piece is %s", page.Next)
	}
}

func TestFewOrdersAreReadByPages(t *testing.T) {
	t.Parallel()
	f, keys := busyShop(t, 30)
	h, a := counter(t, f)
	if got := keysOf(backfillAll(t, h, a)); !slices.Equal(got, keys) || f.calls["StartBulk"] != 0 {
		t.Errorf("%v, %v", got, f.calls)
	}
}

func TestAnOperationIsWaitedFor(t *testing.T) {
	t.Parallel()
	f, keys := busyShop(t, fewOrders+1)
	f.state = func(n int) object {
		if n > 3 {
			return nil
		}
		return object{"status": []string{"CREATED", "RUNNING", "CANCELING"}[n-1], "objectCount": "0", "rootObjectCount": "0"}
	}
	h, a := counter(t, f)
	if got := keysOf(backfillAllWaiting(t, h, a)); !slices.Equal(got, keys) || f.calls["Bulk"] != 4 || f.calls["StartBulk"] != 1 {
		t.Errorf("%d orders, %v", len(got), f.calls)
	}
}

// backfillAllWaiting checks that only a page with a wait leads to itself.
func backfillAllWaiting(t *testing.T, h *host, a hostapi.Account) []hostapi.Record {
	waits := 0
	records := readAll(t, func(c hostapi.Cursor) (*hostapi.Page, error) {
		page, err := h.Backfill(t.Context(), a, window, c)
		if err == nil && page.Wait > 0 {
			waits++
		}
		return page, err
	})
	if waits == 0 {
		t.Error("nothing was waited for")
	}
	return records
}

// Failed operations are started again; their partial files are not used.
func TestAFailedOperationIsStartedAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		failures         int
		state            object
		starts, pulls    int
		wantKind         models.Kind
		forgottenInstead bool
	}{
		"failed once":   {1, object{"status": "FAILED", "errorCode": "TIMEOUT", "partialDataUrl": "https://x.example.com/"}, 2, 0, "", false},
		"canceled":      {2, object{"status": "CANCELED"}, 3, 0, "", false},
		"expired":       {1, object{"status": "EXPIRED"}, 2, 0, "", false},
		"each time":     {99, object{"status": "FAILED", "errorCode": "INTERNAL_SERVER_ERROR"}, bulkTries, 1, "", false},
		"without scope": {99, object{"status": "FAILED", "errorCode": "ACCESS_DENIED"}, 1, 0, models.Internal, false},
	} {
		f, keys := busyShop(t, fewOrders+1)
		f.requested = 18
		f.state = func(n int) object {
			if n > c.failures {
				return nil
			}
			return c.state
		}
		h, a := counter(t, f)
		var records []hostapi.Record
		var from hostapi.Cursor
		var err error
		for more := true; more && err == nil; {
			var page *hostapi.Page
			if page, err = h.Backfill(t.Context(), a, window, from); err == nil {
				records, from, more = append(records, page.Records...), page.Next, page.More
			}
		}
		if c.wantKind != "" {
			if models.KindOf(err) != c.wantKind {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if got := keysOf(records); err != nil || !slices.Equal(got, keys) || f.calls["StartBulk"] != c.starts || (f.calls["Orders"] > 0) != (c.pulls > 0) {
			t.Errorf("%s: %d orders, %v, %v", name, len(got), f.calls, err)
		}
	}
}

func TestAForgottenOperationIsStartedAgain(t *testing.T) {
	t.Parallel()
	f, keys := busyShop(t, fewOrders+1)
	h, a := counter(t, f)
	page, err := h.Backfill(t.Context(), a, window, "")
	if err != nil {
		t.Fatal(err)
	}
	delete(f.bulks, "gid://shopify/BulkOperation/1")
	f.bulks["used"] = nil // so that the next one has another number
	records := readAll(t, func(c hostapi.Cursor) (*hostapi.Page, error) {
		if c == "" {
			c = page.Next
		}
		return h.Backfill(t.Context(), a, window, c)
	})
	if got := keysOf(records); !slices.Equal(got, keys) {
		t.Errorf("%d orders", len(got))
	}
}

func TestAllSlotsTaken(t *testing.T) {
	t.Parallel()
	h, a := answering(t, 200, `{"data":{"ordersCount":{"count":5000},"bulkOperationRunQuery":{"bulkOperation":null,"userErrors":[{"code":"LIMIT_REACHED"}]}}}`)
	page, err := h.Backfill(t.Context(), a, window, "")
	if err != nil || !page.More || page.Wait != slotWait {
		t.Fatalf("%+v, %v", page, err)
	}
	again, err := h.Backfill(t.Context(), a, window, page.Next)
	if err != nil || again.Next != page.Next || again.Wait != slotWait {
		t.Errorf("%+v, %v", again, err)
	}
	h, a = answering(t, 200, `{"data":{"ordersCount":{"count":5000},"bulkOperationRunQuery":{"bulkOperation":null,"userErrors":[{"code":"INVALID"}]}}}`)
	if _, err := h.Backfill(t.Context(), a, window, ""); models.KindOf(err) != models.Internal {
		t.Error(err)
	}
}

// A file that is not whole gives no page, and its address stays out of errors.
func TestBrokenFiles(t *testing.T) {
	t.Parallel()
	const good = `{"id":"gid://shopify/Order/1","updatedAt":"2026-10-01T12:00:00Z"}` + "\n"
	for name, c := range map[string]struct {
		status     int
		file, root string
	}{
		"too short":       {200, good, "2"},
		"torn":            {200, good + `{"id":"gid://sho`, "1"},
		"no order":        {200, good + `{"id":"gid://shopify/SalesAgreement/1","__parentId":"gid://shopify/Order/2"}` + "\n", "1"},
		"no id":           {200, good + `{}` + "\n", "1"},
		"no JSON":         {200, "<html>", "1"},
		"gone":            {404, "", "1"},
		"moved elsewhere": {302, "", "1"},
		"endless line":    {200, good + strings.Repeat("x", longestLine+1), "1"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere-canary")
			w.WriteHeader(c.status)
			fmt.Fprint(w, c.file)
		}))
		h := open(t, server.URL).(*host)
		state := &operationState{Roots: 1, URL: server.URL + "/file?signature=canary"}
		if c.root == "2" {
			state.Roots = 2
		}
		records, err := h.readFile(t.Context(), state, part{0, 1}, "UTC")
		if len(records) > 0 || models.KindOf(err) != models.Unavailable || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %d records, %v", name, len(records), err)
		}
		server.Close()
		if _, err := h.readFile(t.Context(), state, part{0, 1}, "UTC"); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("nobody there: %v", err)
		}
	}
}

func TestFilesAreFetchedOverTLS(t *testing.T) {
	t.Parallel()
	h, err := (&Config{ClientID: "app", ClientSecret: "hush"}).Open()
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"http://storage.example.com/x", "file:///etc/passwd", "https://", "https://user@storage.example.com/", "storage.example.com/x", "ht\ntp://x"} {
		if _, err := h.(*host).openFile(t.Context(), address); models.KindOf(err) != models.Internal {
			t.Errorf("%q: %v", address, err)
		}
	}
}
