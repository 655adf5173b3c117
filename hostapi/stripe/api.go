package stripe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"extractor/hostapi"
	"extractor/internal/jsonscan"
	"extractor/internal/rest"
	"extractor/models"
)

// mostAtOnce is the largest page of a list.
const mostAtOnce = "100"

// pagesAtMost bounds the list that belongs to one thing: nothing has ten
// thousand refunds, and a list that never ends would fill the memory.
const pagesAtMost = 100

// api speaks for one merchant.
type api struct {
	rest.Caller
	base string
}

func (h *host) api(c *http.Client) api {
	return api{rest.Caller{Client: c, Title: title}, h.base}
}

// find reads one thing, or a page of a list; nil when Stripe does not know it.
func (s api) find(ctx context.Context, path string, query url.Values) (json.RawMessage, error) {
	address := s.base + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	answer, err := s.Send(ctx, http.MethodGet, address, http.Header{"Stripe-Version": {apiVersion}}, nil)
	if err != nil {
		return nil, err
	}
	err = s.Check(answer)
	switch {
	case err == nil:
		return answer.Body, nil
	case models.KindOf(err) == models.NotFound:
		return nil, nil
	}
	return nil, hostapi.AboutOurs(err, title, fmt.Errorf("status %d: %s", answer.Status, code(answer.Body)))
}

// need is find for what must be there.
func (s api) need(ctx context.Context, path string, query url.Values) (json.RawMessage, error) {
	raw, err := s.find(ctx, path, query)
	if err == nil && raw == nil {
		return nil, models.Errorf(models.Internal, "Stripe does not know an address that we use.").Because(errors.New("status 404"))
	}
	return raw, err
}

// one reads one thing by its id; nil when Stripe does not know it.
func (s api) one(ctx context.Context, path, id string, query url.Values) (json.RawMessage, error) {
	raw, err := s.find(ctx, path+url.PathEscape(id), query)
	if err == nil && raw != nil && headOf(raw).ID == "" {
		return nil, unreadable(errors.New("no id"))
	}
	if raw != nil {
		raw = bytes.TrimSpace(raw) // Stripe ends its answers with a line break
	}
	return raw, err
}

// code is the machine word of an error answer, without its message: that may quote data.
func code(body []byte) string {
	var answer struct {
		Error struct {
			Type string `json:"type"`
			Code string `json:"code"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return "unreadable"
	}
	return strings.TrimSpace(answer.Error.Type + " " + answer.Error.Code)
}

func unreadable(cause error) error { return hostapi.Unreadable(title, cause) }

// decode reads an answer into out.
func (s api) decode(raw json.RawMessage, out any) error {
	if err := jsonscan.Unmarshal(raw, out); err != nil {
		return unreadable(errors.New("decode: not what was agreed"))
	}
	return nil
}

// listing is one page of a list, newest first.
type listing struct {
	data []listed
	more bool
}

// listed is a thing of a page.
type listed struct {
	raw  json.RawMessage
	head head
}

// add makes room for the whole page at once, by the size of its first thing.
func (l *listing) add(one listed, page []byte) {
	const most = 100 // things, as mostAtOnce
	if l.data == nil {
		l.data = make([]listed, 0, min(most, len(page)/(len(one.raw)+1)+1))
	}
	l.data = append(l.data, one)
}

// list reads one page of a list.
// https://docs.stripe.com/api/pagination
func (s api) list(ctx context.Context, path string, query url.Values) (*listing, error) {
	raw, err := s.need(ctx, path, query)
	if err != nil {
		return nil, err
	}
	page, err := splitList(raw)
	if err != nil {
		return nil, unreadable(err)
	}
	return page, nil
}

// splitList cuts a page into its things, which share the page's memory. Only
// the frame and the heads are looked at, in one pass.
func splitList(page []byte) (*listing, error) {
	s, l, seen := &jsonscan.Scanner{Text: page}, &listing{}, false
	err := s.Object(func(name []byte) error {
		switch string(name) {
		case "data":
			seen = true
			return s.Array(func() error {
				one, err := cut(s)
				l.add(one, page)
				return err
			})
		case "has_more":
			return s.Decode(&l.more)
		}
		return s.Skip()
	})
	switch {
	case err != nil:
		return nil, err
	case !s.End():
		return nil, errors.New("text after the list")
	case !seen:
		return nil, errors.New("a list without data")
	}
	return l, nil
}

// whole reads all pages of a list that belongs to one thing.
func (s api) whole(ctx context.Context, path string, query url.Values) (all []json.RawMessage, err error) {
	query.Set("limit", mostAtOnce)
	for range pagesAtMost {
		page, err := s.list(ctx, path, query)
		if err != nil {
			return nil, err
		}
		for _, one := range page.data {
			all = append(all, one.raw)
		}
		if !page.more {
			return all, nil
		}
		last, err := lastOf(page, query.Get("starting_after"))
		if err != nil {
			return nil, err
		}
		query.Set("starting_after", last)
	}
	return nil, unreadable(errors.New("a list without an end"))
}

// lastOf is the id that the next page starts after. A page that ends where it
// began would be read for ever.
func lastOf(page *listing, after string) (string, error) {
	if len(page.data) == 0 {
		return "", unreadable(errors.New("more after an empty page"))
	}
	last := page.data[len(page.data)-1].head.ID
	if last == "" {
		return "", unreadable(errors.New("no id"))
	}
	if last == after {
		return "", models.Errorf(models.Unavailable, "Stripe keeps sending the same page. We try again by ourselves.")
	}
	return last, nil
}
