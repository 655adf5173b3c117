package main

import (
	"context"
	"errors"
	"net"
	"os"
	"strconv"
	"sync/atomic"

	"extractor/internal/process"
)

// Addresses of a schedule outlive their listeners: a wire is replaced, a process
// is killed and started again. Meanwhile the system must not give their ports to
// anybody who asks for any, such as the schedule beside it. So they are taken
// from below the range of such ports, which begins at 32768.
const (
	firstPort = 11_000
	ports     = 21_000
)

// lastPort counts through them; runs side by side begin at different ones.
var lastPort = func() *atomic.Uint32 {
	n := new(atomic.Uint32)
	n.Store(uint32(os.Getpid()) * 97) //nolint:gosec // wraps around
	return n
}()

// freePort is a port of this machine's own address that nobody listens at.
func freePort(ctx context.Context) (string, error) {
	for range ports {
		port := firstPort + int(lastPort.Add(1)%ports)
		l, err := process.Listen(ctx, "127.0.0.1", port)
		if err != nil {
			continue
		}
		return strconv.Itoa(port), l.Close()
	}
	return "", errors.New("no port is free")
}

// freeAddress is one to listen at.
func freeAddress(ctx context.Context) (string, error) {
	port, err := freePort(ctx)
	return net.JoinHostPort("127.0.0.1", port), err
}
