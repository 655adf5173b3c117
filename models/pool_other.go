//go:build !linux

package models

import "syscall"

// limitSilence does nothing here: only Linux has TCP_USER_TIMEOUT. Keepalive still notices a dead peer.
func limitSilence(_, _ string, _ syscall.RawConn) error { return nil }
