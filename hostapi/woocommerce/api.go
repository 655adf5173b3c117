package woocommerce

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	json "github.com/goccy/go-json"

	"extractor/hostapi"
	"extractor/internal/jsonscan"
	"extractor/internal/rest"
	"extractor/models"
)

const (
	pageSize = 100 // the most that WordPress gives
	// ordersInPage and refundsInPage are how many make a page. Each order that has
	// refunds takes a request of its own, two at a time, and a small site takes half
	// a second and more for each; the page must end within 25 seconds.
	ordersInPage  = 50
	refundsInPage = 25
	// decimals is what WooCommerce keeps of an amount.
	decimals = "6"
	// orderFields is what is read of an order: no names, phones, e-mail addresses
	// beyond those in the two addresses, and none of what plugins add.
	orderFields = "id,number,status,currency,total,total_tax,shipping_total,shipping_tax,date_created,date_created_gmt," +
		"date_modified_gmt,date_paid,date_paid_gmt,date_completed,date_completed_gmt,billing,shipping," +
		"line_items,shipping_lines,fee_lines,refunds"
	refundFields = "id,date_created,date_created_gmt,amount,line_items,shipping_lines,fee_lines"
)

// Sentences for the merchant, about a site that does not answer as it should.
const (
	sayPage     = "The shop's site sent a web page instead of data. It may be in maintenance, or a security plugin keeps us out. We try again by ourselves."
	sayFirewall = "A firewall of the shop's site keeps us out. Allow requests to /wp-json/wc/v3/ in its security plugin or at its hosting company. We try again by ourselves."
	sayNoRoute  = "WooCommerce does not answer at this address. Check that the plugin is active, and that Settings, Permalinks in WordPress is not set to Plain. We try again by ourselves."
	sayOld      = "This shop does not know how to list changed orders. Update WooCommerce to version 5.8 or later. We try again by ourselves."
	sayMoved    = "The shop's site points us to another address. Connect it under the address that your browser shows, with or without www."
	sayNoData   = "WooCommerce sent an answer that cannot be read. A plugin may print warnings into it. We try again by ourselves."
)

// session speaks to one site.
type session struct {
	rest.Caller
	site string
}

func (h *host) session(a hostapi.Account) session {
	return session{rest.Caller{Client: a.Client, Title: title}, h.site(a)}
}

// get asks for a path of the site's API. Addresses are made here, never taken
// from an answer.
func (s session) get(ctx context.Context, path string, q url.Values) (*rest.Answer, error) {
	// Caches in front of WordPress are told to leave us alone; some do.
	header := http.Header{"Accept": {"application/json"}, "Cache-Control": {"no-cache"}}
	answer, err := s.Send(ctx, http.MethodGet, s.site+"/wp-json"+path+"?"+q.Encode(), header, nil)
	if err != nil {
		return nil, err
	}
	return answer, s.check(answer)
}

// check is rest's, with the ways in which WordPress sites are out of order.
func (s session) check(a *rest.Answer) error {
	code := codeOf(a.Body)
	cause := fmt.Errorf("status %d, code %q", a.Status, code)
	switch {
	case a.Status/100 == 2 && isPage(a.Body):
		return models.Errorf(models.Unavailable, sayPage).Because(cause)
	case a.Status/100 == 3:
		return models.Errorf(models.Unavailable, sayMoved).Because(cause)
	case a.Status == http.StatusForbidden && isPage(a.Body):
		return models.Errorf(models.Unavailable, sayFirewall).Because(cause)
	case a.Status == http.StatusNotFound:
		return models.Errorf(models.Unavailable, sayNoRoute).Because(errors.Join(errNoRoute, cause))
	case a.Status == http.StatusBadRequest && strings.HasPrefix(code, "rest_invalid_param"):
		return models.Errorf(models.Unavailable, sayOld).Because(cause)
	}
	return hostapi.AboutOurs(s.Check(a), title, cause)
}

// errNoRoute is the cause where a site has no such address.
var errNoRoute = errors.New("no such route")

// hidden reports whether a part of the API is not there, or not for us.
func hidden(err error) bool {
	return errors.Is(err, errNoRoute) || models.KindOf(err) == models.Unauthorised
}

// codeOf is the code of an error that WordPress wrote, without its message.
func codeOf(body []byte) string {
	var answer struct {
		Code string `json:"code"`
	}
	const most = 4 << 10 // of an error; lists are not looked into
	if len(body) > most || !bytes.HasPrefix(body, []byte("{")) || json.Unmarshal(body, &answer) != nil {
		return ""
	}
	return answer.Code
}

// isPage reports whether an answer is HTML, whatever its header says.
func isPage(body []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) }

// read decodes an answer.
func (s session) read(a *rest.Answer, out any) error {
	if err := jsonscan.Unmarshal(a.Body, out); err != nil {
		return unreadable(errors.New("decode")) // the decoder's own words may quote the answer
	}
	return nil
}

func unreadable(cause error) error {
	return models.Errorf(models.Unavailable, sayNoData).Because(cause)
}

// listing is one page of a list of orders.
type listing struct {
	orders []head
	count
}

// count is how long a list is.
type count struct{ total, pages int }

// countOf reads the count from the header. Without it an empty answer could
// come from anything; WordPress always sends it.
// https://developer.wordpress.org/rest-api/using-the-rest-api/pagination/
func countOf(h http.Header) (c count, err error) {
	if c.total, err = strconv.Atoi(h.Get("X-WP-Total")); err != nil {
		return c, unreadable(errors.New("no X-WP-Total"))
	}
	if c.pages, err = strconv.Atoi(h.Get("X-WP-TotalPages")); err != nil {
		return c, unreadable(errors.New("no X-WP-TotalPages"))
	}
	return c, nil
}

// list asks for a page of a list and its count.
func (s session) list(ctx context.Context, path string, q url.Values) (*rest.Answer, count, error) {
	answer, err := s.get(ctx, path, q)
	if err != nil {
		return nil, count{}, err
	}
	c, err := countOf(answer.Header)
	return answer, c, err
}

// orders is a page of orders.
// https://woocommerce.github.io/woocommerce-rest-api-docs/#list-all-orders
func (s session) orders(ctx context.Context, q url.Values) (*listing, error) {
	q.Set("dp", decimals)
	q.Set("_fields", orderFields)
	answer, c, err := s.list(ctx, "/wc/v3/orders", q)
	if err != nil {
		return nil, err
	}
	heads, err := splitOrders(answer.Body)
	if err != nil {
		return nil, unreadable(err)
	}
	return &listing{heads, c}, nil
}

// ordersByID are the orders of these ids that the site knows.
func (s session) ordersByID(ctx context.Context, ids []string) ([]head, error) {
	var all []head
	for len(ids) > 0 {
		n := min(pageSize, len(ids))
		list, err := s.orders(ctx, url.Values{
			"include": {strings.Join(ids[:n], ",")}, "per_page": {strconv.Itoa(pageSize)},
			"status": {"any"}, "orderby": {"id"}, "order": {"asc"},
		})
		if err != nil {
			return nil, err
		}
		all, ids = append(all, list.orders...), ids[n:]
	}
	return all, nil
}

// refundsOf are all refunds of an order, as the site wrote them.
// https://woocommerce.github.io/woocommerce-rest-api-docs/#list-all-refunds
func (s session) refundsOf(ctx context.Context, order int64) ([]json.RawMessage, error) {
	var all []json.RawMessage
	for page, pages := 1, 1; page <= pages; page++ {
		answer, c, err := s.list(ctx, fmt.Sprintf("/wc/v3/orders/%d/refunds", order), url.Values{
			"per_page": {strconv.Itoa(pageSize)}, "page": {strconv.Itoa(page)}, "orderby": {"id"}, "order": {"asc"},
			"dp": {decimals}, "_fields": {refundFields},
		})
		if errors.Is(err, errNoRoute) { // the order was deleted meanwhile
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		var some []json.RawMessage
		if err := s.read(answer, &some); err != nil {
			return nil, err
		}
		all, pages = append(all, some...), c.pages
	}
	return all, nil
}

// store is the shop's address; empty where the keys do not reach its settings.
// https://woocommerce.github.io/woocommerce-rest-api-docs/#list-all-setting-options
func (s session) store(ctx context.Context) (a store, err error) {
	answer, err := s.get(ctx, "/wc/v3/settings/general", url.Values{"_fields": {"id,value"}})
	if hidden(err) {
		return a, nil
	}
	if err != nil {
		return a, err
	}
	var options []struct {
		ID    string          `json:"id"`
		Value json.RawMessage `json:"value"`
	}
	if err := s.read(answer, &options); err != nil {
		return a, err
	}
	for _, o := range options {
		a.set(o.ID, o.Value)
	}
	return a, nil
}
