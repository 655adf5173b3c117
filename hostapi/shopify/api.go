package shopify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"extractor/hostapi"
	"extractor/internal/jsonscan"
	"extractor/internal/rest"
	"extractor/models"
)

const (
	// throttleTries is how often one request is made while the shop's bucket of
	// points is empty.
	throttleTries = 3
	// throttleWait is the longest we hold a job for points; what takes longer is
	// for the engine to come back to.
	throttleWait = 5 * time.Second
	// throttleRest is the wait when Shopify does not say how full the bucket is:
	// the time in which the smallest plan restores the dearest query.
	throttleRest = 10 * time.Second
)

// errTooDear says that a query was refused because it could bring too much.
var errTooDear = errors.New("MAX_COST_EXCEEDED")

// session speaks to one shop.
type session struct {
	rest.Caller
	address string
	cost    cost // of the last answer
}

func (h *host) session(shop string, c *http.Client) (*session, error) {
	base := h.address(shop)
	if base == "" {
		return nil, models.Errorf(models.Internal, "The shop of this connection is not known. Authenticate it again.")
	}
	return &session{Caller: rest.Caller{Client: c, Title: title}, address: base + "/admin/api/" + apiVersion + "/graphql.json"}, nil
}

func (h *host) sessionOf(a hostapi.Account) (*session, error) { return h.session(a.HostID, a.Client) }

// request is a GraphQL request.
type request struct {
	Operation string         `json:"operationName"`
	Query     string         `json:"query"`
	Variables map[string]any `json:"variables,omitempty"`
}

// call makes one request; read walks over the value of "data". Where it fails,
// what read has made is not to be used: Shopify sends a part of the data with
// some errors, and a page must be whole. read may run more than once.
func (s *session) call(ctx context.Context, op operation, variables map[string]any, read func(*jsonscan.Scanner) error) (err error) {
	body, err := json.Marshal(request{op.name, op.text, variables})
	if err != nil {
		return err
	}
	for range throttleTries {
		var throttled *models.Error
		if err = s.ask(ctx, body, read); !errors.As(err, &throttled) || throttled.Kind != models.Throttled ||
			throttled.RetryAfter == 0 || throttled.RetryAfter > throttleWait {
			return err
		}
		if err := pause(ctx, throttled.RetryAfter); err != nil {
			return err
		}
	}
	return err
}

// pause waits, or ends with the context.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return models.Errorf(models.Unavailable, "We stopped while waiting for Shopify. We try again by ourselves.").Because(ctx.Err())
	}
}

// ask sends a request once.
func (s *session) ask(ctx context.Context, body []byte, read func(*jsonscan.Scanner) error) error {
	answer, err := s.Send(ctx, http.MethodPost, s.address, nil, body)
	if err != nil {
		return err
	}
	if err := s.status(answer); err != nil {
		return err
	}
	r, err := readReply(answer.Body, read)
	if err != nil {
		return models.Errorf(models.Unavailable, "Shopify sent an answer that cannot be read. We try again by ourselves.").Because(err)
	}
	s.cost = r.cost
	return r.failure()
}

// status is the error of an answer that is not 2xx.
// https://shopify.dev/docs/api/admin-graphql/2026-10#status-and-error-codes
func (s *session) status(answer *rest.Answer) error {
	err := s.Check(answer)
	switch {
	case err == nil:
		return nil
	case answer.Status == http.StatusPaymentRequired:
		return models.Errorf(models.Unavailable, "This shop is frozen at Shopify. It can be read again once its plan is paid.").Because(err)
	case answer.Status == http.StatusNotFound:
		return models.Errorf(models.Unavailable, "Shopify does not know this shop at present. We try again by ourselves.").Because(err)
	}
	switch models.KindOf(err) {
	case models.Refused, models.TooLarge, models.NotFound: // they are about our request, not about a record
		return misunderstood(err)
	}
	return err
}

func misunderstood(cause error) error {
	return models.Errorf(models.Internal, "Shopify did not understand a request of ours.").Because(cause)
}

// reply is what an answer holds besides the data.
type reply struct {
	errors []string // codes; nil = none
	cost   cost
}

// cost is what a query costs, in points, and what is left.
type cost struct {
	Requested float64 `json:"requestedQueryCost"`
	Throttle  struct {
		Available float64 `json:"currentlyAvailable"`
		Restore   float64 `json:"restoreRate"` // a second
	} `json:"throttleStatus"`
}

// wait is how long until there are points enough for the same query again.
func (c cost) wait() time.Duration {
	if c.Throttle.Restore <= 0 || c.Requested <= 0 {
		return throttleRest
	}
	seconds := (c.Requested - c.Throttle.Available) / c.Throttle.Restore
	return time.Duration(min(max(seconds, 1), 60) * float64(time.Second))
}

// readReply walks over an answer once.
func readReply(body []byte, read func(*jsonscan.Scanner) error) (r reply, err error) {
	s, data := &jsonscan.Scanner{Text: body}, false
	err = s.Object(func(name []byte) error {
		switch string(name) {
		case "data":
			if s.Peek() != '{' { // with an error there may be none
				return s.Skip()
			}
			data = true
			return read(s)
		case "errors":
			raw, err := s.Raw()
			r.errors = errorCodes(raw)
			return err
		case "extensions":
			var e struct {
				Cost cost `json:"cost"`
			}
			err := s.Decode(&e)
			r.cost = e.Cost
			return err
		}
		return s.Skip()
	})
	if err == nil && !s.End() {
		err = errors.New("text after the answer")
	}
	if err == nil && !data && r.errors == nil {
		err = errors.New("neither data nor errors")
	}
	return r, err
}

// errorCodes are the codes of errors, without the messages: these quote data.
func errorCodes(raw []byte) []string {
	var list []struct {
		Extensions struct {
			Code string `json:"code"`
		} `json:"extensions"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return []string{"unreadable"} // Shopify also sends a plain string
	}
	var codes []string
	for _, e := range list {
		codes = append(codes, e.Extensions.Code)
	}
	return codes
}

// failure is the error that the codes mean. ACCESS_DENIED is not a lost grant:
// the token was taken, and what is missing is a scope, or Shopify's approval of
// our app for protected data. Consenting again brings neither, so the merchant
// is not sent there; an operator has to look.
// https://shopify.dev/docs/api/admin-graphql/2026-10#status-and-error-codes
func (r reply) failure() error {
	if len(r.errors) == 0 {
		return nil
	}
	cause := fmt.Errorf("errors: %s", strings.Join(r.errors, ","))
	for _, code := range r.errors {
		switch code {
		case "THROTTLED":
			e := models.Errorf(models.Throttled, "Shopify asked us to slow down.").Because(cause)
			e.RetryAfter = r.cost.wait()
			return e
		case "MAX_COST_EXCEEDED":
			return misunderstood(errTooDear)
		case "ACCESS_DENIED":
			return denied(cause)
		case "SHOP_INACTIVE":
			return models.Errorf(models.Unavailable, "This shop is not active at Shopify. It can be read again once it is.").Because(cause)
		case "INTERNAL_SERVER_ERROR", "TIMEOUT":
			return models.Errorf(models.Unavailable, "Shopify has a fault of its own just now. We try again by ourselves.").Because(cause)
		}
	}
	return misunderstood(cause)
}

func denied(cause error) error {
	return models.Errorf(models.Internal, "Shopify lets us into this shop, but not to its orders. An operator must check the app's scopes and its access to protected customer data.").Because(cause)
}

// userError is why a mutation did nothing.
type userError struct {
	Code string `json:"code"`
}

func codesOf(list []userError) error {
	var codes []string
	for _, e := range list {
		codes = append(codes, e.Code)
	}
	return fmt.Errorf("user errors: %s", strings.Join(codes, ","))
}
