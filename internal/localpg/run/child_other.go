//go:build !linux

package main

import "syscall"

// attributes put a command into a process group of its own. It outlives us when
// we are killed: only Linux ends it then.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
