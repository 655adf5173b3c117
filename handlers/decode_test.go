package handlers

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"enabled":true}`, `{"enabled":null}`, `{"enabled":true,"Enabled":false}`, `{"connectionId":"a","startDate":null}`,
		`[]`, `null`, `{"enabled":true}x`, `{"x":[{"y":1},[2]]}`, `{"a":1,"a":2}`, "\ufeff{}", `{"enabled":tru`, `{"ſtartDate":"x"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var got changedConnection
		if err := decodeBytes(body, &got); err != nil {
			return
		}
		// What passes means the same to a lax reader.
		var lax struct {
			Enabled      *bool   `json:"enabled"`
			ConnectionID *string `json:"connectionId"`
			StartDate    *string `json:"startDate"`
		}
		if err := json.Unmarshal(body, &lax); err != nil {
			t.Fatalf("%q passed: %v", body, err)
		}
		a, _ := json.Marshal([]any{got.Enabled, got.ConnectionID, got.StartDate.text})
		b, _ := json.Marshal([]any{lax.Enabled, lax.ConnectionID, lax.StartDate})
		if !bytes.Equal(a, b) {
			t.Fatalf("%q reads as %s and %s", body, a, b)
		}
	})
}

func TestQuoteIsShortAndHarmless(t *testing.T) {
	t.Parallel()
	if q := quote(strings.Repeat("ä", 100) + "\n"); strings.Contains(q, "\n") || len([]rune(q)) > quotedMost+3 {
		t.Errorf("%s", q)
	}
}

func TestParseStartDate(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"2018-04-01": "2018-04-01", "2016-02-29": "2016-02-29",
		"5/1/10": "2010-05-01", "05/01/10": "2010-05-01", "5/1/2010": "2010-05-01", "12/31/99": "1999-12-31", "12/31/1999": "1999-12-31",
		"2015-09-30 17:00:00-07": "2015-10-01", "2015-09-30 16:59:59-07": "2015-09-30", "2015-09-30 17:00:00-07:00": "2015-10-01",
		"2015-10-01 05:00:00+05:30": "2015-09-30", "2015-07-06T22:26:28Z": "2015-07-06", "2015-07-06T22:26:28+00:00": "2015-07-06",
		"2015-07-06T23:26:28.123-05:00": "2015-07-07",
	} {
		got, err := parseStartDate(s)
		if err != nil || date(got) != want || !got.Equal(got.Truncate(24*time.Hour)) {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
	for _, s := range []string{
		"", " ", "x", "2018-4-1", "2018-13-01", "2018-02-29", "20180401", "2018-04-01 ", " 2018-04-01", "2018-04-01T00:00:00",
		"2018-04-01 00:00:00", "13/1/10", "5/32/10", "5-1-10", "5/1/010", "5/1/1", "1969-12-31", "0000-01-01", "2018-04-01T25:00:00Z",
		"2018-04-01T1:00:00Z", "2018-04-01T00:00:60Z", "2018-04-01T00:00:00,5Z", "2018-04-01T00:00:00+0000", "1522540800", "٢٠١٨-٠٤-٠١",
		"1970-01-01T00:00:00+01:00",
	} {
		if got, err := parseStartDate(s); err == nil {
			t.Errorf("%q reads as %v", s, got)
		}
	}
}

func FuzzStartDate(f *testing.F) {
	for _, s := range []string{"2018-04-01", "5/1/10", "2015-09-30 17:00:00-07", "2015-07-06T22:26:28.5+00:00", "9999-12-31T23:59:59-01:00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := parseStartDate(s)
		if err != nil {
			return
		}
		again, err := parseStartDate(date(got))
		if err != nil || !again.Equal(got) {
			t.Errorf("%q reads as %v, which reads as %v, %v", s, got, again, err)
		}
	})
}

func TestParseSince(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"2015-07-06": "2015-07-06T00:00:00+00:00", "2015-07-06T22:26:28+00:00": "2015-07-06T22:26:28+00:00",
		"2015-07-06T22:26:28 00:00": "2015-07-06T22:26:28+00:00", "2015-07-06T22:26:28.9 01:00": "2015-07-06T21:26:28+00:00",
		"2015-07-06 22:26:28 00": "2015-07-06T22:26:28+00:00", "2015-07-06T22:26:28-02:00": "2015-07-07T00:26:28+00:00",
		"2015-07-06T22:26:28Z": "2015-07-06T22:26:28+00:00",
	} {
		if got, err := parseSince(s); err != nil || timestamp(got) != want {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "yesterday", "2015-07", "2015-07-06T22:26:28", "5/1/10", "2015-07-06 ", "1436221588"} {
		if got, err := parseSince(s); err == nil {
			t.Errorf("%q reads as %v", s, got)
		}
	}
}

// FuzzSince: what is read as a date is an instant that Postgres keeps, and is
// written again as the same one.
func FuzzSince(f *testing.F) {
	for _, s := range []string{"2015-07-06", "2015-07-06T22:26:28 00:00", "2015-07-06 22:26:28 00", "0000-01-01", "9999-12-31T23:59:59-23:59", "2015-07-06T22:26:28.9Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := parseSince(s)
		if err != nil {
			return
		}
		if got.Year() < -1 || got.Year() > 10_000 || got.Location() != time.UTC {
			t.Errorf("%q reads as %v", s, got)
		}
		again, err := parseSince(timestamp(got))
		if got.Year() >= 0 && got.Year() <= 9999 && (err != nil || !again.Equal(got.Truncate(time.Second))) {
			t.Errorf("%q reads as %v, which reads as %v, %v", s, got, again, err)
		}
	})
}
