package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// load sends a request again and again over so many connections, and counts the
// answers, each of which has to be 200. It reads no more of an answer than it
// must: what the clients take of the machine is no part of either contestant,
// and the more they took, the less would differences between the servers show.
func load(ctx context.Context, address string, request []byte, connections int, span time.Duration) (int64, error) {
	var answers atomic.Int64
	until := time.Now().Add(span)
	all, ctx := errgroup.WithContext(ctx)
	for range connections {
		all.Go(func() error {
			n, err := askUntil(ctx, address, request, until)
			answers.Add(n)
			return err
		})
	}
	err := all.Wait()
	return answers.Load(), err
}

// askUntil is one client.
func askUntil(ctx context.Context, address string, request []byte, until time.Time) (n int64, err error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(until.Add(drainTime)); err != nil {
		return 0, err
	}
	in := bufio.NewReader(c)
	for ; time.Now().Before(until) && ctx.Err() == nil; n++ {
		if _, err := c.Write(request); err != nil {
			return n, err
		}
		if err := readAnswer(in); err != nil {
			return n, err
		}
	}
	return n, ctx.Err()
}

var (
	okLine        = []byte("HTTP/1.1 200 ")
	contentLength = []byte("Content-Length:")
)

// readAnswer reads one whole answer.
func readAnswer(in *bufio.Reader) error {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(line, okLine) {
		return fmt.Errorf("answered %q", line)
	}
	length := -1
	for {
		if line, err = in.ReadSlice('\n'); err != nil {
			return err
		}
		if line = textproto.TrimBytes(line); len(line) == 0 {
			break
		}
		if value, ok := bytes.CutPrefix(line, contentLength); ok {
			if length, err = strconv.Atoi(string(textproto.TrimBytes(value))); err != nil {
				return err
			}
		}
	}
	if length <= 0 {
		return errors.New("an answer without a length")
	}
	_, err = io.CopyN(io.Discard, in, int64(length))
	return err
}
