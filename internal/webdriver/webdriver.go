// Package webdriver drives a headless Chromium in tests, as a person would.
package webdriver

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

const (
	startTime = 20 * time.Second      // until chromedriver answers, on a busy machine
	waitTime  = 15 * time.Second      // for something to appear on a page
	waitPoll  = 50 * time.Millisecond // between two looks
	callTime  = 60 * time.Second      // for one command
)

// elementKey is how the protocol names the id of an element.
const elementKey = "element-6066-11e4-a52e-4f735466cecf"

// Options are what a browser may be started with.
type Options struct {
	NoScript bool // JavaScript is off
}

// Browser is one running Chromium with a profile of its own.
type Browser struct {
	t    testing.TB
	base string // of the session
}

var portLine = regexp.MustCompile(`started successfully on port (\d+)`)

// Start starts a browser, which ends with the test. Without an installed
// Chromium and chromedriver the test is skipped.
func Start(t testing.TB, o Options) *Browser {
	t.Helper()
	driver, err := exec.LookPath("chromedriver")
	if err != nil {
		t.Skip("chromedriver is not installed; on Debian: apt-get install chromium chromium-driver")
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed; on Debian: apt-get install chromium chromium-driver")
	}
	b := &Browser{t: t, base: "http://127.0.0.1:" + startDriver(t, driver)}
	var session struct{ SessionID string }
	b.call(http.MethodPost, "/session", capabilities(chromium, t.TempDir(), o), &session)
	b.base += "/session/" + session.SessionID
	t.Cleanup(func() { _ = b.try(http.MethodDelete, "", nil, nil) })
	return b
}

// startDriver runs chromedriver and gives its port.
func startDriver(t testing.TB, driver string) (port string) {
	t.Helper()
	cmd := exec.Command(driver, "--port=0")
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	ports := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if m := portLine.FindStringSubmatch(lines.Text()); m != nil {
				ports <- m[1]
			}
		}
	}()
	select {
	case port = <-ports:
	case <-time.After(startTime):
		t.Fatal("chromedriver did not start")
	}
	return port
}

func capabilities(chromium, profile string, o Options) any {
	args := []string{"--headless=new", "--disable-gpu", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--window-size=600,700", "--user-data-dir=" + profile}
	if os.Geteuid() == 0 {
		args = append(args, "--no-sandbox") // Chromium refuses its sandbox to root
	}
	prefs := map[string]any{}
	if o.NoScript {
		prefs["profile.managed_default_content_settings.javascript"] = 2
	}
	return map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{
		"browserName": "chrome", "acceptInsecureCerts": true,
		"goog:chromeOptions": map[string]any{"binary": chromium, "args": args, "prefs": prefs},
	}}}
}

// try makes one call of the protocol.
func (b *Browser) try(method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(context.Background(), callTime)
	defer cancel()
	var body bytes.Buffer
	if method == http.MethodPost {
		if in == nil {
			in = struct{}{}
		}
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, b.base+path, &body)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var answer struct{ Value json.RawMessage }
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s", method, path, answer.Value)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer.Value, out)
}

func (b *Browser) call(method, path string, in, out any) {
	b.t.Helper()
	if err := b.try(method, path, in, out); err != nil {
		b.t.Fatal(err)
	}
}

// Open goes to an address.
func (b *Browser) Open(address string) {
	b.t.Helper()
	b.call(http.MethodPost, "/url", map[string]string{"url": address}, nil)
}

// Back presses the back button.
func (b *Browser) Back() { b.t.Helper(); b.call(http.MethodPost, "/back", nil, nil) }

// Address is the present page's.
func (b *Browser) Address() (address string) {
	b.t.Helper()
	b.call(http.MethodGet, "/url", nil, &address)
	return address
}

// Click clicks the first element of the CSS selector, once it is there.
func (b *Browser) Click(css string) {
	b.t.Helper()
	var last error
	b.await("to click "+css, func() bool {
		var element map[string]string
		if last = b.try(http.MethodPost, "/element", selector(css), &element); last != nil {
			return false
		}
		last = b.try(http.MethodPost, "/element/"+element[elementKey]+"/click", nil, nil)
		return last == nil
	})
}

// Type replaces what is in the field of the CSS selector, once it is there.
func (b *Browser) Type(css, text string) {
	b.t.Helper()
	b.await("to type into "+css, func() bool {
		var element map[string]string
		if b.try(http.MethodPost, "/element", selector(css), &element) != nil {
			return false
		}
		field := "/element/" + element[elementKey]
		return b.try(http.MethodPost, field+"/clear", nil, nil) == nil &&
			b.try(http.MethodPost, field+"/value", map[string]string{"text": text}, nil) == nil
	})
}

// Value is what is in the field of the CSS selector.
func (b *Browser) Value(css string) (text string) {
	b.t.Helper()
	var element map[string]string
	b.call(http.MethodPost, "/element", selector(css), &element)
	b.call(http.MethodGet, "/element/"+element[elementKey]+"/property/value", nil, &text)
	return text
}

func selector(css string) any { return map[string]string{"using": "css selector", "value": css} }

// Text waits for a page with the text.
func (b *Browser) Text(text string) {
	b.t.Helper()
	b.await("for "+text, func() bool { return strings.Contains(b.Visible(), text) })
}

// Visible is the visible text of the page.
func (b *Browser) Visible() (text string) {
	var element map[string]string
	if b.try(http.MethodPost, "/element", selector("body"), &element) != nil {
		return ""
	}
	_ = b.try(http.MethodGet, "/element/"+element[elementKey]+"/text", nil, &text) // gone meanwhile: looked at again
	return text
}

// Arrive waits until the address begins with prefix, and gives it.
func (b *Browser) Arrive(prefix string) (address string) {
	b.t.Helper()
	b.await("at "+prefix, func() bool { address = b.Address(); return strings.HasPrefix(address, prefix) })
	return address
}

// await waits until done.
func (b *Browser) await(what string, done func() bool) {
	b.t.Helper()
	for end := time.Now().Add(waitTime); !done(); time.Sleep(waitPoll) {
		if time.Now().After(end) {
			b.t.Fatalf("waited in vain %s; the page is %s:\n%s", what, b.Address(), b.Visible())
		}
	}
}

// Cookies are the names of the page's cookies.
func (b *Browser) Cookies() (names []string) {
	b.t.Helper()
	var cookies []struct{ Name string }
	b.call(http.MethodGet, "/cookie", nil, &cookies)
	for _, c := range cookies {
		names = append(names, c.Name)
	}
	return names
}

// Frame goes into the page's first frame.
func (b *Browser) Frame() {
	b.t.Helper()
	b.call(http.MethodPost, "/frame", map[string]int{"id": 0}, nil)
}

// Windows are the names of the open windows, waiting for n of them.
func (b *Browser) Windows(n int) (names []string) {
	b.t.Helper()
	b.await(fmt.Sprintf("for %d windows", n), func() bool {
		b.call(http.MethodGet, "/window/handles", nil, &names)
		return len(names) == n
	})
	return names
}

// NewTab opens a tab and goes to it.
func (b *Browser) NewTab() (name string) {
	b.t.Helper()
	var w struct{ Handle string }
	b.call(http.MethodPost, "/window/new", map[string]string{"type": "tab"}, &w)
	b.Switch(w.Handle)
	return w.Handle
}

// Switch goes to a window.
func (b *Browser) Switch(name string) {
	b.t.Helper()
	b.call(http.MethodPost, "/window", map[string]string{"handle": name}, nil)
}

// Window is the present window's name.
func (b *Browser) Window() (name string) {
	b.t.Helper()
	b.call(http.MethodGet, "/window", nil, &name)
	return name
}

// Close closes the present window; switch to another one then.
func (b *Browser) Close() { b.t.Helper(); b.call(http.MethodDelete, "/window", nil, nil) }

// Screenshot writes the page as PNG, for people to look at.
func (b *Browser) Screenshot(file string) {
	b.t.Helper()
	var encoded string
	b.call(http.MethodGet, "/screenshot", nil, &encoded)
	png, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(file, png, 0o600); err != nil {
		b.t.Fatal(err)
	}
}
