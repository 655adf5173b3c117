package square

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"extractor/hostapi"
	"extractor/internal/jsonscan"
	"extractor/internal/rest"
	"extractor/models"
)

const (
	groupSize    = 10  // most locations in one order search
	orderLimit   = 200 // of at most 1000: a page full of returns, each with calls of its own, must end within a job
	refundLimit  = 50  // of at most 100: the same
	batchLimit   = 100 // most orders in one batch retrieval
	lookupsAtOne = 4   // calls side by side for what a page refers to
)

// epoch is before Square's first refund. Without begin_time Square lists
// refunds of the last year only, whatever updated_at_begin_time says.
const epoch = "2009-01-01T00:00:00Z"

// session speaks for one merchant.
type session struct {
	rest.Caller
	base string
}

func (h *host) session(c *http.Client) session {
	return session{rest.Caller{Client: c, Title: title}, h.base}
}

// call sends in and decodes the answer into out.
func (s session) call(ctx context.Context, method, path string, in, out any) error {
	found, err := s.find(ctx, method, path, in, out)
	if err == nil && !found {
		return models.Errorf(models.Internal, "Square does not know an address that we use.").Because(fmt.Errorf("status 404"))
	}
	return err
}

// find is call for things that may not be there.
func (s session) find(ctx context.Context, method, path string, in, out any) (found bool, err error) {
	answer, err := s.Send(ctx, method, s.base+path, http.Header{"Square-Version": {apiVersion}}, in)
	if err != nil {
		return false, err
	}
	if err := s.Check(answer); models.KindOf(err) == models.NotFound {
		return false, nil
	} else if err != nil {
		return false, hostapi.AboutOurs(err, title, fmt.Errorf("status %d: %s", answer.Status, codes(answer.Body)))
	}
	if decode(answer.Body, out) != nil {
		return false, hostapi.Unreadable(title, errors.New("decode: not what was agreed")) // the decoder's own words may quote the answer
	}
	return true, nil
}

// decode reads an answer. A page of orders is cut: it is large.
func decode(body []byte, out any) (err error) {
	if list, ok := out.(*listing); ok {
		*list, err = cutOrders(body)
		return err
	}
	return jsonscan.Unmarshal(body, out)
}

// codes are the error codes of an answer, without the details: these may quote data.
func codes(body []byte) string {
	var answer struct {
		Errors []struct {
			Code string `json:"code"`
		} `json:"errors"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return "unreadable"
	}
	var all []string
	for _, e := range answer.Errors {
		all = append(all, e.Code)
	}
	return strings.Join(all, ",")
}

// locations are all of a merchant's, closed ones too, in the order of their ids.
// https://developer.squareup.com/reference/square/locations-api/list-locations
func (s session) locations(ctx context.Context) ([]location, error) {
	var answer struct {
		Locations []location `json:"locations"`
	}
	if err := s.call(ctx, http.MethodGet, "/v2/locations", nil, &answer); err != nil {
		return nil, err
	}
	if len(answer.Locations) == 0 { // each merchant has one; going on would look like a day without sales
		return nil, models.Errorf(models.Unavailable, "Square lists no locations for this account. We try again by ourselves.")
	}
	slices.SortFunc(answer.Locations, func(a, b location) int { return strings.Compare(a.ID, b.ID) })
	return answer.Locations, nil
}

// listing is one page of a list.
type listing struct {
	things []json.RawMessage
	heads  []head // of orders
	cursor string
}

// search is a page of orders, oldest first. Square takes both ends as inside.
// https://developer.squareup.com/reference/square/orders-api/search-orders
func (s session) search(ctx context.Context, by road, locations []string, w models.Window, cursor string) (*listing, error) {
	span := map[string]string{"start_at": stamp(w.From), "end_at": stamp(w.To.Add(-time.Millisecond))}
	filter := map[string]any{"date_time_filter": map[string]any{by.orders: span}}
	if by.states != nil {
		filter["state_filter"] = map[string]any{"states": by.states}
	}
	in := map[string]any{
		"location_ids": locations,
		"limit":        orderLimit,
		"query": map[string]any{
			"filter": filter,
			"sort":   map[string]string{"sort_field": strings.ToUpper(by.orders), "sort_order": "ASC"},
		},
	}
	if cursor != "" {
		in["cursor"] = cursor
	}
	list := &listing{}
	return list, s.call(ctx, http.MethodPost, "/v2/orders/search", in, list)
}

// refunds is a page of refunds, oldest first.
// https://developer.squareup.com/reference/square/refunds-api/list-payment-refunds
func (s session) refunds(ctx context.Context, by road, w models.Window, cursor string) (*listing, error) {
	q := url.Values{
		"begin_time": {epoch}, "sort_field": {by.refundSort}, "sort_order": {"ASC"},
		"limit": {fmt.Sprint(refundLimit)},
	}
	q.Set(by.refundFrom, stamp(w.From))
	q.Set(by.refundTo, stamp(w.To.Add(-time.Millisecond)))
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	var answer struct {
		Refunds []json.RawMessage `json:"refunds"`
		Cursor  string            `json:"cursor"`
	}
	if err := s.call(ctx, http.MethodGet, "/v2/refunds?"+q.Encode(), nil, &answer); err != nil {
		return nil, err
	}
	return &listing{things: answer.Refunds, cursor: answer.Cursor}, nil
}

// stamp is a time as Square reads it, to the millisecond.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// orders are the orders of these ids by id; what Square does not know is absent.
// https://developer.squareup.com/reference/square/orders-api/batch-retrieve-orders
func (s session) orders(ctx context.Context, ids []string) (map[string]json.RawMessage, error) {
	known := map[string]json.RawMessage{}
	for chunk := range slices.Chunk(slices.Compact(slices.Sorted(slices.Values(ids))), batchLimit) {
		var answer struct {
			Orders []json.RawMessage `json:"orders"`
		}
		if err := s.call(ctx, http.MethodPost, "/v2/orders/batch-retrieve", map[string]any{"order_ids": chunk}, &answer); err != nil {
			return nil, err
		}
		for _, raw := range answer.Orders {
			known[string(headOf(raw).ID)] = raw
		}
	}
	return known, nil
}

// refund is one refund; nil when Square does not know it.
// https://developer.squareup.com/reference/square/refunds-api/get-payment-refund
func (s session) refund(ctx context.Context, id string) (json.RawMessage, error) {
	var answer struct {
		Refund json.RawMessage `json:"refund"`
	}
	_, err := s.find(ctx, http.MethodGet, "/v2/refunds/"+url.PathEscape(id), nil, &answer)
	return answer.Refund, err
}

// payment is one payment; empty when Square does not know it.
// https://developer.squareup.com/reference/square/payments-api/get-payment
func (s session) payment(ctx context.Context, id string) (payment, error) {
	var answer struct {
		Payment payment `json:"payment"`
	}
	_, err := s.find(ctx, http.MethodGet, "/v2/payments/"+url.PathEscape(id), nil, &answer)
	return answer.Payment, err
}
