package shopify

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"extractor/internal/jsonscan"
	"extractor/models"
)

// errTooDear says that a query was refused because it could bring too much.
var errTooDear = errors.New("MAX_COST_EXCEEDED")

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
