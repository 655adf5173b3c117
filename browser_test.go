package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// browser walks through pages as a person without JavaScript would.
type browser struct {
	t      *testing.T
	client *http.Client
}

func newBrowser(t *testing.T) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, client: &http.Client{Jar: jar, Timeout: 20 * time.Second}}
}

// visit opens an address and returns the page it ends on.
func (b *browser) visit(address string) (*http.Response, string) {
	b.t.Helper()
	res, err := b.client.Get(address)
	return b.page(res, err)
}

func (b *browser) page(res *http.Response, err error) (*http.Response, string) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return res, string(body)
}

// submit sends the first form of a page, with fields chosen or pressed besides.
func (b *browser) submit(res *http.Response, page string, chosen url.Values) (*http.Response, string) {
	b.t.Helper()
	action, values := firstForm(b.t, page)
	for name, v := range chosen {
		values[name] = v
	}
	to, err := res.Request.URL.Parse(action)
	if err != nil {
		b.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, to.String(), strings.NewReader(values.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", to.Scheme+"://"+to.Host)
	return b.page(b.client.Do(req))
}

// firstForm is the action and the hidden fields of a page's first form.
func firstForm(t *testing.T, page string) (action string, fields url.Values) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	fields = url.Values{}
	found := false
	for n := range root.Descendants() {
		switch {
		case n.Data == "form" && !found:
			found, action = true, attribute(n, "action")
		case n.Data == "input" && attribute(n, "type") == "hidden":
			fields.Set(attribute(n, "name"), attribute(n, "value"))
		}
	}
	if !found {
		t.Fatalf("no form on this page:\n%s", page)
	}
	return action, fields
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// authorise goes through the popup as the merchant of a shop.
func (s *stage) authorise(connection, shop string) {
	s.t.Helper()
	b := newBrowser(s.t)
	res, page := b.visit(s.url + "/connections/" + url.PathEscape(connection) + "/authentication?redirectUri=" +
		url.QueryEscape(s.world.SuccessURL()+"?id=theirs"))
	res, page = b.submit(res, page, nil)
	res, page = b.submit(res, page, url.Values{"account": {shop}, "decision": {"allow"}})
	if got := res.Request.URL.String(); got != s.world.SuccessURL()+"?id=theirs" {
		s.t.Fatalf("the popup ended on %s:\n%s", got, page)
	}
}
