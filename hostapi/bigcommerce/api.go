package bigcommerce

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	json "github.com/goccy/go-json"

	"extractor/hostapi"
	"extractor/internal/jsonscan"
	"extractor/internal/rest"
	"extractor/models"
)

const (
	// orderLimit is of at most 250: with their lines, orders have ten kilobytes and
	// more, and one with several addresses takes a request of its own, which at five
	// a second must end within 25 seconds.
	orderLimit  = 50
	refundLimit = 25  // each leads to an order, and a page must end within a job
	batchLimit  = 50  // orders in one question for refunds
	batchPages  = 200 // far more than the refunds of 50 orders fill
	partLimit   = 250 // of an order's own lists
	partPages   = 8   // an order has 500 lines at most
)

// include makes BigCommerce send all that Transform needs with the order.
const include = "include=consignments,consignments.line_items,fees"

// session speaks for one store.
type session struct {
	rest.Caller
	base string
	pace *pace
	now  func() time.Time
}

// session checks the account's id, which becomes a part of addresses.
func (h *host) session(a hostapi.Account) (*session, error) {
	if storeOf("stores/"+a.HostID) == "" {
		return nil, models.Errorf(models.Internal, "The store of this connection is not known. Connect it again.")
	}
	return &session{
		Caller: rest.Caller{Client: a.Client, Title: title},
		base:   h.api + "/stores/" + a.HostID, pace: &pace{}, now: h.now,
	}, nil
}

// send makes one request. An error of kind NotFound is for what is not there.
func (s *session) send(ctx context.Context, method, path string, in any) (*rest.Answer, error) {
	if err := s.pace.wait(ctx, s.now()); err != nil {
		return nil, err
	}
	answer, err := s.Send(ctx, method, s.base+path, http.Header{"Accept": {"application/json"}}, in)
	if err != nil {
		return nil, err
	}
	s.pace.note(answer.Header, s.now())
	if err := s.Check(answer); err != nil {
		return nil, later(err, answer)
	}
	return answer, nil
}

// later adds to a 429 when the quota begins anew, where no Retry-After does. A
// refusal is about our request, not about a record.
func later(err error, answer *rest.Answer) error {
	var e *models.Error
	if d := reset(answer.Header); d > 0 && errors.As(err, &e) && e.Kind == models.Throttled && e.RetryAfter == 0 {
		e.RetryAfter = max(d, time.Second)
	}
	return hostapi.AboutOurs(err, title, fmt.Errorf("status %d", answer.Status))
}

// find reads one thing; found is false when it is not there.
func (s *session) find(ctx context.Context, path string, out any) (found bool, err error) {
	answer, err := s.send(ctx, http.MethodGet, path, nil)
	if models.KindOf(err) == models.NotFound || err == nil && answer.Status == http.StatusNoContent {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if jsonscan.Unmarshal(answer.Body, out) != nil {
		return false, unreadable("decode")
	}
	return true, nil
}

// list reads a list, which is there even when it is empty: a 404 taken for an
// empty list would look like a day without sales.
func (s *session) list(ctx context.Context, path string) (*rest.Answer, error) {
	answer, err := s.send(ctx, http.MethodGet, path, nil)
	if models.KindOf(err) == models.NotFound {
		return nil, models.Errorf(models.Internal, "BigCommerce does not know an address that we use.").Because(err)
	}
	return answer, err
}

func unreadable(where string) error { return hostapi.Unreadable(title, errors.New(where)) }

// put changes something; what comes back is not looked at.
func (s *session) put(ctx context.Context, method, path string, in any) error {
	_, err := s.send(ctx, method, path, in)
	return err
}

// information is what the store tells of itself.
// https://developer.bigcommerce.com/docs/rest-management/store-information
func (s *session) information(ctx context.Context) (i information, err error) {
	found, err := s.find(ctx, "/v2/store", &i)
	if err == nil && !found {
		err = models.Errorf(models.Unavailable, "BigCommerce does not know this store just now. We try again by ourselves.")
	}
	return i, err
}

// orders is one page of a road's list, oldest first; empty at its end.
// https://developer.bigcommerce.com/docs/rest-management/orders#get-all-orders
func (s *session) orders(ctx context.Context, by road, w models.Window, page int) ([]head, error) {
	q := url.Values{
		"min_" + by.date: {stamp(w.From)}, "max_" + by.date: {stamp(w.To.Add(-time.Nanosecond))},
		"sort": {by.date + ":asc"}, "page": {strconv.Itoa(page)}, "limit": {strconv.Itoa(orderLimit)},
	}
	answer, err := s.list(ctx, "/v2/orders?"+q.Encode()+"&"+include)
	if err != nil || answer.Status == http.StatusNoContent {
		return nil, err
	}
	heads, err := cutOrders(answer.Body)
	if err != nil {
		return nil, unreadable("a page of orders")
	}
	return heads, nil
}

// stamp is a time as BigCommerce writes it, in whole seconds.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC1123Z) }

// order is one order; raw is nil when BigCommerce does not know it.
// https://developer.bigcommerce.com/docs/rest-management/orders#get-an-order
func (s *session) order(ctx context.Context, id int64) (head, error) {
	answer, err := s.send(ctx, http.MethodGet, fmt.Sprintf("/v2/orders/%d?%s", id, include), nil)
	if models.KindOf(err) == models.NotFound || err == nil && answer.Status == http.StatusNoContent {
		return head{}, nil
	}
	if err != nil {
		return head{}, err
	}
	h, err := cutOrder(answer.Body)
	if err != nil {
		return head{}, unreadable("an order")
	}
	return h, nil
}

// part is a list that belongs to an order: products, shipping_addresses, taxes.
func (s *session) part(ctx context.Context, order int64, name string) (all []json.RawMessage, err error) {
	for page := 1; page <= partPages; page++ {
		var some []json.RawMessage
		found, err := s.find(ctx, fmt.Sprintf("/v2/orders/%d/%s?limit=%d&page=%d", order, name, partLimit, page), &some)
		if err != nil || !found {
			return all, err
		}
		all = append(all, some...)
		if len(some) < partLimit {
			return all, nil
		}
	}
	return all, nil
}

// refunds is a page of the refunds made in w, in the order of their ids.
// https://developer.bigcommerce.com/docs/rest-management/transactions/payment-actions#get-all-refunds
func (s *session) refunds(ctx context.Context, w models.Window, page int) (refundList, error) {
	q := url.Values{
		"created:min": {w.From.UTC().Format(time.RFC3339)}, "created:max": {w.To.Add(-time.Nanosecond).UTC().Format(time.RFC3339)},
		"page": {strconv.Itoa(page)}, "limit": {strconv.Itoa(refundLimit)},
	}
	return s.refundPage(ctx, q)
}

func (s *session) refundPage(ctx context.Context, q url.Values) (refundList, error) {
	var list refundList
	answer, err := s.list(ctx, "/v3/orders/payment_actions/refunds?"+q.Encode())
	if err != nil || answer.Status == http.StatusNoContent {
		return list, err
	}
	if jsonscan.Unmarshal(answer.Body, &list) != nil {
		return list, unreadable("a page of refunds")
	}
	return list, nil
}

// refundList is one page of refunds.
type refundList struct {
	Data []json.RawMessage `json:"data"`
	Meta struct {
		Pagination struct {
			TotalPages int `json:"total_pages"`
		} `json:"pagination"`
	} `json:"meta"`
}

// more reports whether there is a page after this one. Without a number of
// pages, the end is a page without refunds.
func (l refundList) more(page int) bool {
	if n := l.Meta.Pagination.TotalPages; n > 0 {
		return page < n
	}
	return len(l.Data) > 0
}

// refundsOf are all refunds of these orders, by order.
func (s *session) refundsOf(ctx context.Context, orders []int64) (map[int64][]json.RawMessage, error) {
	all := map[int64][]json.RawMessage{}
	orders = slices.Compact(slices.Sorted(slices.Values(orders)))
	for chunk := range slices.Chunk(orders, batchLimit) {
		names := make([]string, len(chunk))
		for i, id := range chunk {
			names[i] = strconv.FormatInt(id, 10)
		}
		q := url.Values{"order_id:in": {strings.Join(names, ",")}, "limit": {strconv.Itoa(partLimit)}}
		for page := 1; page <= batchPages; page++ {
			q.Set("page", strconv.Itoa(page))
			list, err := s.refundPage(ctx, q)
			if err != nil {
				return nil, err
			}
			for _, raw := range list.Data {
				h := refundHeadOf(raw)
				all[h.OrderID] = append(all[h.OrderID], raw)
			}
			if !list.more(page) {
				break
			}
		}
	}
	return all, nil
}
