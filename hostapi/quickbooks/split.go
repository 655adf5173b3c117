package quickbooks

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	json "github.com/goccy/go-json"

	"extractor/hostapi"
	"extractor/internal/jsonscan"
)

// A page is {"QueryResponse":{"Invoice":[{…},…],"startPosition":1,"maxResults":2},"time":"…"}
// and holds more than a megabyte. It is cut into records in one pass: of each
// document only id, version and state are read here. The rest is read once, by
// Transform, and only there may a document be found to be odd.

// listed is a record and what the list knows of it.
type listed struct {
	record hostapi.Record
	id     string
	at     time.Time // MetaData.LastUpdatedTime; zero where it cannot be read
	gone   bool      // deleted
}

// list is one page of a query.
type list struct {
	things []listed
	start  int // position of the first; 0 = not told
}

// splitQuery cuts the answer to a query for one entity.
func splitQuery(page []byte, e entity) (l list, err error) {
	s := &jsonscan.Scanner{Text: page}
	seen := false
	err = s.Object(func(name []byte) error {
		if string(name) != "QueryResponse" {
			return s.Skip()
		}
		seen = true
		return l.scan(s, e)
	})
	return l, whole(s, err, seen)
}

// whole completes err by what a page must be as a whole.
func whole(s *jsonscan.Scanner, err error, seen bool) error {
	switch {
	case err != nil:
		return err
	case !s.End():
		return errors.New("text after the page")
	case !seen:
		return errors.New("a page without a response")
	}
	return nil
}

// scan reads one response. A list of another entity is not an answer to what was asked.
func (l *list) scan(s *jsonscan.Scanner, e entity) error {
	return s.Object(func(name []byte) error {
		switch {
		case string(name) == e.name:
			l.things = make([]listed, 0, pageSize+1)
			return s.Array(func() error {
				one, err := thing(s, e)
				l.things = append(l.things, one)
				return err
			})
		case string(name) == "startPosition":
			return s.Decode(&l.start)
		case s.Peek() == '[':
			return fmt.Errorf("a list that was not asked for")
		}
		return s.Skip()
	})
}

// thing reads one document of a list.
func thing(s *jsonscan.Scanner, e entity) (one listed, err error) {
	s.Peek()
	start := s.At
	var token, status, updated string
	err = s.Object(func(name []byte) error {
		switch string(name) {
		case "Id":
			return word(s, &one.id)
		case "SyncToken":
			return word(s, &token)
		case "status":
			return word(s, &status)
		case "MetaData":
			return metadata(s, &updated)
		}
		return s.Skip()
	})
	if err != nil {
		return one, err
	}
	if at, err := time.Parse(time.RFC3339, updated); err == nil {
		one.at = at.UTC()
	}
	one.gone = status == deleted
	body := json.RawMessage(s.Text[start:s.At])
	one.record = hostapi.Record{Kind: e.name, Key: e.keyOf(one.id, body), Version: version(one.at, token, one.gone), Body: body}
	return one, nil
}

// metadata reads the time of the last change.
func metadata(s *jsonscan.Scanner, updated *string) error {
	if s.Peek() != '{' {
		return s.Skip()
	}
	return s.Object(func(name []byte) error {
		if string(name) == "LastUpdatedTime" {
			return word(s, updated)
		}
		return s.Skip()
	})
}

// word reads a string or number, and makes nothing of whatever else.
func word(s *jsonscan.Scanner, to *string) error {
	raw, err := s.Raw()
	if err != nil || len(raw) == 0 || raw[0] == '{' || raw[0] == '[' || raw[0] == 'n' {
		return err
	}
	if raw[0] != '"' {
		*to = string(raw)
		return nil
	}
	for _, c := range raw[1 : len(raw)-1] {
		if c == '\\' || c < ' ' || c >= 0x80 { // what is not plain is read with care
			_ = json.Unmarshal(raw, to) // Transform finds it odd
			return nil
		}
	}
	*to = string(raw[1 : len(raw)-1])
	return nil
}

const (
	// tokenWidth is how many digits of a SyncToken a version has.
	tokenWidth = len(zeros)
	// lastToken is a deletion's: nothing comes after it.
	lastToken = 9_999_999_999
	// zeros fill a SyncToken up.
	zeros = "0000000000"
	// versionLayout is the time in a version.
	versionLayout = "2006-01-02T15:04:05Z-"
)

// version orders the readings of one document: by the time of its last change,
// within a second by its SyncToken, and its deletion last.
func version(at time.Time, token string, gone bool) string {
	n, err := strconv.ParseInt(token, 10, 64)
	if err != nil || n < 0 || n >= lastToken {
		n = 0
	}
	if gone {
		n = lastToken
	}
	digits := strconv.FormatInt(n, 10)
	b := make([]byte, 0, len(versionLayout)+tokenWidth)
	b = append(at.AppendFormat(b, versionLayout), zeros[len(digits):]...)
	return string(append(b, digits...))
}
