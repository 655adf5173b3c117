package process

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestAvailable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	none, limit := file("none", "max\n"), file("limit", "1073741824\n")
	huge := file("huge", "9223372036854771712\n")
	for _, c := range []struct {
		files []string
		want  int64
	}{
		{[]string{none, limit}, 1 << 30},
		{[]string{limit, huge}, 1 << 30},
		{[]string{huge}, smallestDyno},
		{[]string{filepath.Join(dir, "missing")}, smallestDyno},
	} {
		if got := available(c.files); got != c.want {
			t.Errorf("%v: got %d, want %d", c.files, got, c.want)
		}
	}
}

func TestLimitMemoryLeavesOthersAlone(t *testing.T) {
	t.Setenv("DYNO", "")
	if got := LimitMemory(); got != 0 {
		t.Errorf("off the platform: %d", got)
	}
	t.Setenv("DYNO", "web.1")
	t.Setenv("GOMEMLIMIT", "1GiB")
	if got := LimitMemory(); got != 0 {
		t.Errorf("told by the operator: %d", got)
	}
}

// TestServeDrains: a request under way when the stop comes gets its answer.
func TestServeDrains(t *testing.T) {
	t.Parallel()
	l, err := Listen(t.Context(), "127.0.0.1", 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		stop()
		io.WriteString(w, "done") //nolint:errcheck // the client's check tells
	})
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, l, handler) }()
	res, err := http.Get("http://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); err != nil || string(b) != "done" {
		t.Errorf("%q, %v", b, err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestATakenPortIsSaidInASentence(t *testing.T) {
	t.Parallel()
	l, err := Listen(t.Context(), "127.0.0.1", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := strings.Cut(l.Addr().String(), ":")
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(t.Context(), "127.0.0.1", n); err == nil || !strings.Contains(err.Error(), "is not free") {
		t.Errorf("%v", err)
	}
}
