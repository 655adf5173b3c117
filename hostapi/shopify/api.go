package shopify

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
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
		return hostapi.Unreadable(title, err)
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
	return hostapi.AboutOurs(err, title, err)
}

func misunderstood(cause error) error { return hostapi.Misunderstood(title, cause) }
