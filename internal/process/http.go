package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"
)

// The timers of our HTTP servers. The router in front gives up after 30 s, and
// kills a process 30 s after it was asked to stop.
const (
	readHeaderTimeout = 5 * time.Second  // a slow header is an attack or a dead line
	readTimeout       = 15 * time.Second // bodies are at most a few MiB
	writeTimeout      = 30 * time.Second // above the handlers' own 20 s, with time to write
	idleTimeout       = 60 * time.Second // a kept connection that nobody uses
	drainTimeout      = 20 * time.Second // requests under way when we are asked to stop
	maxHeaderBytes    = 16 << 10         // the router sends at most 8 KiB a line
)

// Listen binds a port at once: the platform gives up on a process that has none after 60 s.
func Listen(ctx context.Context, host string, port int) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("port %d is not free: stop what uses it, or choose another one by PORT", port)
	}
	return l, nil
}

// Serve answers on l until ctx is done, then takes no more requests and lets
// those under way end.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	server := newServer(h)
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(l) }()
	select {
	case err := <-stopped:
		return err
	case <-ctx.Done():
		return drain(ctx, server)
	}
}

func newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
}

// drain stops a server; what is under way after drainTimeout is cut off.
func drain(ctx context.Context, server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		slog.Warn("requests were cut off at the end of the drain")
		return server.Close()
	}
	return err
}
