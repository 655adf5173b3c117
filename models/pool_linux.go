package models

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// limitSilence lets the kernel drop a connection whose peer has acknowledged
// nothing for silenceTimeout, also in the middle of sending.
func limitSilence(_, _ string, raw syscall.RawConn) error {
	var failed error
	err := raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(silenceTimeout.Milliseconds()))
	})
	if err != nil {
		return err
	}
	if failed == unix.EOPNOTSUPP { // a Unix socket has no network to fall silent
		return nil
	}
	return failed
}
