package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/html"
)

const (
	bearer = "torture-avalara-to-extractor"
	// callTimeout is how long the consumer waits for one answer, and callPause
	// how long until it asks again.
	callTimeout = 5 * time.Second
	callPause   = 150 * time.Millisecond
	// callPatience is how long one wish may take through all faults.
	callPatience = 60 * time.Second
	popupPages   = 12 // redirects aside: more pages than the popup has
)

// consumer is TrustFile as the caller of our API: it asks any web process, and
// asks again until it has a clear answer.
type consumer struct {
	webs   []string
	client *http.Client
	turn   int

	mu   sync.Mutex
	late []lateAnswer
}

// answerLimit is how long an answer may take, whatever is wrong behind the API:
// a request's 20 s at the pace of the torture build, and a busy machine's seconds.
const answerLimit = 4 * time.Second

// lateAnswer is a call without one in time.
type lateAnswer struct {
	what     string
	from, to time.Time
}

func newConsumer(webs []string) *consumer {
	// No connection is kept: a process that was killed must not cost a call twice.
	return &consumer{webs: webs, client: &http.Client{Timeout: callTimeout, Transport: &http.Transport{DisableKeepAlives: true}}}
}

// web is the next process to ask.
func (c *consumer) web() string {
	c.turn++
	return c.webs[c.turn%len(c.webs)]
}

// answered is a clear answer of the API.
type answered struct {
	status int
	body   []byte
	first  time.Time // when the first try was made
	at     time.Time
	tries  int
}

// call asks until the answer is clear: below 500, or the contract's 500 of a known id.
func (c *consumer) call(ctx context.Context, method, path string, in any) (answered, error) {
	a := answered{first: time.Now()}
	body, err := json.Marshal(in)
	if err != nil {
		return a, err
	}
	for until := time.Now().Add(callPatience); time.Now().Before(until) && ctx.Err() == nil; time.Sleep(callPause) {
		a.tries++
		if a.status, a.body, err = c.once(ctx, method, c.web()+path, body); err != nil {
			continue
		}
		if a.status < 500 && a.status != http.StatusTooManyRequests || bytes.Contains(a.body, []byte("already exists")) {
			a.at = time.Now()
			return a, nil
		}
		err = fmt.Errorf("status %d", a.status)
	}
	return a, fmt.Errorf("%s %s had no clear answer within %s: %w", method, path, callPatience, err)
}

func (c *consumer) once(ctx context.Context, method, address string, body []byte) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+bearer)
	defer c.time(method, time.Now())
	res, err := c.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}

// time notes a call that took too long.
func (c *consumer) time(what string, from time.Time) {
	if to := time.Now(); to.Sub(from) > answerLimit {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.late = append(c.late, lateAnswer{what, from, to})
	}
}

// authorise walks through the popup as a person would, again and again until
// the connection is let in.
func (c *consumer) authorise(ctx context.Context, id, account, success string) (err error) {
	for until := time.Now().Add(callPatience); time.Now().Before(until) && ctx.Err() == nil; time.Sleep(callPause) {
		if err = c.popup(ctx, id, account, success); err == nil {
			return nil
		}
	}
	return fmt.Errorf("the popup of %s does not end well: %w", id, err)
}

func (c *consumer) popup(ctx context.Context, id, account, success string) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	b := &browser{client: &http.Client{Jar: jar, Timeout: callTimeout, Transport: c.client.Transport}}
	end := success + "?id=theirs"
	err = b.visit(ctx, http.MethodGet, c.web()+"/connections/"+url.PathEscape(id)+"/authentication?redirectUri="+url.QueryEscape(end), nil)
	for range popupPages {
		if err != nil || b.at.String() == end {
			return err
		}
		err = b.submit(ctx, url.Values{"account": {account}, "decision": {"allow"}})
	}
	return errors.New("the popup goes in circles")
}

// browser walks through pages as a person without JavaScript would.
type browser struct {
	client *http.Client
	at     *url.URL
	page   []byte
}

func (b *browser) visit(ctx context.Context, method, address string, form url.Values) error {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", req.URL.Scheme+"://"+req.URL.Host)
	}
	res, err := b.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b.at = res.Request.URL
	b.page, err = io.ReadAll(res.Body)
	return err
}

// submit sends the first form of the page, with choices of ours where it has them.
func (b *browser) submit(ctx context.Context, chosen url.Values) error {
	root, err := html.Parse(bytes.NewReader(b.page))
	if err != nil {
		return err
	}
	var action *string
	fields := url.Values{}
	for n := range root.Descendants() {
		switch {
		case n.Data == "form" && action == nil:
			a := attribute(n, "action")
			action = &a
		case n.Data == "input" && attribute(n, "type") == "hidden":
			fields.Set(attribute(n, "name"), attribute(n, "value"))
		}
	}
	if action == nil {
		return fmt.Errorf("no form on %s%s", b.at.Host, b.at.Path)
	}
	for name, v := range chosen {
		fields[name] = v
	}
	to, err := b.at.Parse(*action)
	if err != nil {
		return err
	}
	return b.visit(ctx, http.MethodPost, to.String(), fields)
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
