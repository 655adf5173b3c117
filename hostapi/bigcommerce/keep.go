package bigcommerce

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"extractor/hostapi"
)

const (
	hookLimit = 250 // hooks in one page
	hookPages = 20  // far more than one app has in a store
)

// hookScopes are the events that wake us. The first two cover most of the rest;
// an event that comes twice costs one look.
// https://developer.bigcommerce.com/docs/integrations/webhooks/events
var hookScopes = []string{
	"store/order/created",
	"store/order/updated",
	"store/order/statusUpdated",
	"store/order/refund/created",
	"store/app/uninstalled",
}

// hook is a webhook of the store. BigCommerce shows an app its own ones only.
type hook struct {
	ID          int64             `json:"id,omitempty"`
	Scope       string            `json:"scope"`
	Destination string            `json:"destination"`
	IsActive    bool              `json:"is_active"`
	Headers     map[string]string `json:"headers"`
}

// Keep makes the hooks that are missing and switches on those that BigCommerce
// switched off, which it does after two days of failures or 90 days of silence.
// Hooks that lead elsewhere are left alone. BigCommerce posts to port 443 of
// https only, so any other address gets no hooks.
// https://developer.bigcommerce.com/docs/rest-management/webhooks
func (h *host) Keep(ctx context.Context, a hostapi.Account, webhook string) error {
	if u, err := url.Parse(webhook); err != nil || u.Scheme != "https" || u.Port() != "" && u.Port() != "443" {
		return nil
	}
	s, err := h.session(a)
	if err != nil {
		return err
	}
	have, err := s.hooks(ctx)
	if err != nil {
		return err
	}
	for _, scope := range hookScopes {
		want := hook{Scope: scope, Destination: webhook, IsActive: true, Headers: map[string]string{hookHeader: h.hookSecret(a.HostID)}}
		if err := s.keep(ctx, want, have); err != nil {
			return err
		}
	}
	return nil
}

// hooks are all of our app's in this store.
func (s *session) hooks(ctx context.Context) (all []hook, err error) {
	for page := 1; page <= hookPages; page++ {
		var answer struct {
			Data []hook `json:"data"`
		}
		found, err := s.find(ctx, fmt.Sprintf("/v3/hooks?limit=%d&page=%d", hookLimit, page), &answer)
		if err != nil {
			return nil, err
		}
		all = append(all, answer.Data...)
		if !found || len(answer.Data) < hookLimit {
			return all, nil
		}
	}
	return all, nil
}

// keep makes sure that there is a hook like want.
func (s *session) keep(ctx context.Context, want hook, have []hook) error {
	for _, h := range have {
		if h.Scope != want.Scope || h.Destination != want.Destination {
			continue
		}
		if h.IsActive && header(h.Headers, hookHeader) == want.Headers[hookHeader] {
			return nil
		}
		return s.put(ctx, http.MethodPut, fmt.Sprintf("/v3/hooks/%d", h.ID), want)
	}
	return s.put(ctx, http.MethodPost, "/v3/hooks", want)
}

// header finds a header whatever the case of its name.
func header(headers map[string]string, name string) string {
	for n, v := range headers {
		if strings.EqualFold(n, name) {
			return v
		}
	}
	return ""
}
